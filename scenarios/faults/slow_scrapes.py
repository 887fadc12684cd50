"""The answers to scrapes are held back, to shortly before their time-out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, FaultDidNotBite, Witness
from scenarios.faults.process import witnessed
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowScrapes:
    """Answer each scrape after ``of_timeout`` of its time-out, a ratio below one.

    On a busy machine one or the other takes longer than that and fails: this is what the fault
    does, and no disturbance. The rule counts such a scrape with its whole time-out.
    """

    of_timeout: float
    downtime: bool = True

    @property
    def text(self) -> str:
        """What is broken."""
        return f"each scrape takes {self.of_timeout:.0%} of its time-out"

    def effect(self, load: Load, service: Service) -> Effect:
        """What a scrape takes at least, as a ratio of its time-out."""
        return Effect(level=self.of_timeout)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Slow scrapes until the context ends; a request on the same way is the witness."""
        relay = target.relay
        if relay is None:
            raise FaultDidNotBite(
                f"{target.id} is scraped without a relay; give its Service relayed=True"
            )
        held = self.of_timeout * target.scraping.timeout_seconds
        relay.delay_seconds = held
        try:
            yield witnessed(
                target,
                lambda: _takes(target, relay.address) >= held,
                f"a request through the relay took {held * 1000:.0f} ms or more",
            )
        finally:
            relay.delay_seconds = 0.0


def _takes(target: Target, address: str) -> float:
    begun = time.monotonic()
    requests.get(f"http://{address}/api/metrics/live", timeout=target.patience_seconds)
    return time.monotonic() - begun
