"""Where a target's users wait: for their slot while its load flows, for the load while it doesn't.

One rule: a slot that was claimed before the load stopped is not taken after it.
"""

from __future__ import annotations

import math
import time

import gevent
from gevent.event import Event

from loadtests.pacing import Schedule

GRID_SECONDS = 0.25
"""Loads begin at whole multiples of this, however many there are: spreading fifteen targets'
requests over their interval took 26 % of a core in place of 16 %, as each woke the process."""


class Gate:
    """Lets the users of one target through, each when its slot is due."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._open = Event()
        self._opened = 0

    def open(self) -> None:
        """Let the load flow: the first slot is due at once. Does nothing while it flows."""
        if self._open.is_set():
            return
        self._opened += 1
        now = time.perf_counter()
        self._schedule.begin(math.ceil(now / GRID_SECONDS) * GRID_SECONDS)
        self._open.set()

    def close(self) -> None:
        """Let nobody through any more."""
        self._open.clear()

    def wait(self) -> None:
        """Wait until this user's next request is due."""
        while True:
            self._open.wait()
            claimed = self._opened
            gevent.sleep(self._schedule.claim(time.perf_counter()))
            if self._open.is_set() and claimed == self._opened:
                return
