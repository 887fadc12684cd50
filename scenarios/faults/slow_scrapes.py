"""Scrapes are held on their way, and answered before their time-out."""

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
    """Hold each scrape for ``of_timeout`` of its time-out, a ratio below one."""

    of_timeout: float
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return f"each scrape is held for {self.of_timeout:.0%} of its time-out"

    def effect(self, load: Load, service: Service) -> Effect:
        """A scrape takes at least as long as it is held, as a ratio of the time-out."""
        return Effect(level=self.of_timeout)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Hold scrapes until the context ends; a request on the same way is the witness."""
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
                lambda: _takes(target, relay.port) >= held,
                f"a request through the relay took {held * 1000:.0f} ms or more",
            )
        finally:
            relay.delay_seconds = 0.0


def _takes(target: Target, port: int) -> float:
    begun = time.monotonic()
    requests.get(f"http://127.0.0.1:{port}/api/metrics/live", timeout=target.patience_seconds)
    return time.monotonic() - begun
