"""Whether the machine can bear one more drill, whatever else it is doing.

One rule: a drill that waits costs a few seconds; one that starves its neighbours of their scrapes
costs the run. Nothing here knows what the drills are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

STAT = Path("/proc/stat")
SAMPLE_SECONDS = 0.25
SAMPLES = 4

LEAST_IDLE_RATIO = 0.2
"""Scrapes have 250 ms at time scale 60. With less than this idle, one that comes at a bad moment
waits longer for a processor: runs beside other work then lost two in a row."""

PLENTY_RATIO = 0.45
"""With this much idle several drills may begin at once; else each is seen to be borne first."""

SETTLE_SECONDS = 0.75
"""How long a service that has just begun to start takes to show in the figures."""


def busy_and_idle(stat: str) -> tuple[int, int]:
    """Return the ticks that all processors together were busy and idle, of /proc/stat's text."""
    fields = [int(value) for value in stat.split("\n", 1)[0].split()[1:9]]
    idle = fields[3] + fields[4]  # idle, and waiting for a disk
    return sum(fields) - idle, idle


class Headroom:
    """How idle the machine's processors were over the last second. A context manager."""

    def __init__(self, read: Callable[[], str] = STAT.read_text) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._samples = [busy_and_idle(read())]
        self._settled_at = 0.0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="headroom", daemon=True)

    def __enter__(self) -> Headroom:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()

    @property
    def idle_ratio(self) -> float:
        """The idle share of all processors over the last second, 0 to 1."""
        (busy_then, idle_then), (busy, idle) = self._samples[0], self._samples[-1]
        ticks = busy - busy_then + idle - idle_then
        return (idle - idle_then) / ticks if ticks > 0 else 1.0

    def wait(self, *, few: bool, timeout_seconds: float) -> None:
        """Wait until one more drill can be borne, one caller after the other.

        Where ``few`` go on at present, the next one need not wait. After
        ``timeout_seconds`` the drill begins all the same; its evidence shows whether it was borne.
        """
        deadline = time.monotonic() + timeout_seconds
        with self._lock, self._changed:
            while not (few or self._has_room()) and time.monotonic() < deadline:
                self._changed.wait(SAMPLE_SECONDS)
            if self.idle_ratio < PLENTY_RATIO:
                self._settled_at = time.monotonic() + SETTLE_SECONDS

    def _has_room(self) -> bool:
        return time.monotonic() >= self._settled_at and self.idle_ratio >= LEAST_IDLE_RATIO

    def _watch(self) -> None:
        while not self._closed.wait(SAMPLE_SECONDS):
            with self._changed:
                self._samples = [*self._samples, busy_and_idle(self._read())][-SAMPLES:]
                self._changed.notify_all()
