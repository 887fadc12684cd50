"""What ships the log is killed, and started again where it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import requests

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import ANSWER_SECONDS, witnessed
from scenarios.faults.shipping import shipper_of
from scenarios.target import Target

START_SECONDS = timedelta(seconds=2)
"""How long after its metrics are there the first records may be shipped, on a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KillShipper:
    """Kill the shipper with SIGKILL; the repair starts it again."""

    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "the log's shipper is killed"

    def effect(self, load: Load, service: Service) -> Effect:
        """The next scrape shows it; after its start, the first record that is shipped ends it."""
        return Effect(drains=False, lingers=START_SECONDS)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Kill it until the context ends, which waits until it serves its metrics again."""
        shipper = shipper_of(target)
        shipper.kill()
        try:
            yield witnessed(
                target, lambda: not _answers(shipper.url), "the shipper serves no metrics"
            )
        finally:
            shipper.start()
            witnessed(target, lambda: _answers(shipper.url), "the shipper serves its metrics again")


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=ANSWER_SECONDS).ok
    except requests.RequestException:
        return False
