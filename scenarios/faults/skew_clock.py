"""The service's clock is wrong: it jumps, and goes on from there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import requests

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, FaultDidNotBite, Witness
from scenarios.faults.process import witnessed
from scenarios.parts import RIGHT
from scenarios.target import Target
from stack.replacing import replace_text

DATE_SECONDS = 1.0
"""The Date of an answer has whole seconds, and gunicorn's may be one second old."""

TOLERANCE_SECONDS = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SkewClock:
    """Set the clock of the service ahead by ``seconds``, or back where that is negative.

    Only the time of day moves; durations are measured as before. What a service does meanwhile:
    its log carries the wrong times, and a signed fault is refused as expired, or as valid for too
    long, as soon as the skew exceeds what its signature allows for (five seconds).
    """

    seconds: float
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        where = "ahead" if self.seconds > 0 else "behind"
        return f"the clock of the service is {abs(self.seconds):g} s {where}"

    def effect(self, load: Load, service: Service) -> Effect:
        """The next scrape is told the wrong time."""
        return Effect()

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Set the clock until the context ends; the date of its answers is the witness."""
        clock = target.clock
        if clock is None:
            raise FaultDidNotBite(
                f"{target.id} has no clock of its own; give its Service own_clock=True"
            )
        self._set(target, f"{self.seconds:+g}")
        try:
            yield witnessed(
                target,
                lambda: abs(skew(target) - self.seconds) < TOLERANCE_SECONDS,
                f"answers carry a date that is off by {self.seconds:+g} s",
            )
        finally:
            self._set(target, RIGHT)
            witnessed(
                target,
                lambda: abs(skew(target)) < TOLERANCE_SECONDS,
                "answers to carry the right date again",
            )

    @staticmethod
    def _set(target: Target, offset: str) -> None:
        if target.clock is not None:
            replace_text(target.clock, offset)


def skew(target: Target) -> float:
    """Return by how many seconds the date of an answer is ahead of this machine's, about."""
    asked = time.time()
    answer = requests.get(
        target.instance.url + "/api/metrics/live", timeout=target.patience_seconds
    )
    told = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    return told + DATE_SECONDS / 2 - asked
