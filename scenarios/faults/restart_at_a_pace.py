"""The service crashes at a steady pace, so that the number of crashes in a window goes up and down.

One rule: the pace is production's, as the window is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.restart import in_time, restarted
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartAtAPace:
    """Kill the service and start it at once, one time in ``every``: ``times`` until it must show.

    It goes on for ``more`` times after that, which is part of the repair: whoever was told of it
    must not be told again meanwhile.
    """

    times: int
    more: int
    every: timedelta
    downtime: bool = True

    @property
    def text(self) -> str:
        """What is broken."""
        return f"the service restarts every {self.every.total_seconds():.0f} s of production's time"

    def effect(self, load: Load, service: Service) -> Effect:
        """The last of the first restarts is the witness."""
        return Effect(level=None, fills=0.0)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Restart the service until it must show, and go on until the context has ended."""
        pace = self.every.total_seconds() / target.time_scale
        begun = time.monotonic()
        for number in range(self.times):
            _restart_at(target, begun + number * pace)
        in_time(target, self.times, time.monotonic() - begun, most=self.times * pace)
        yield Witness.now(f"the service runs as another process for the {self.times}. time")
        for number in range(self.times, self.times + self.more):
            _restart_at(target, begun + number * pace)


def _restart_at(target: Target, due: float) -> None:
    threading.Event().wait(max(0.0, due - time.monotonic()))  # time itself is what is awaited
    restarted(target)
