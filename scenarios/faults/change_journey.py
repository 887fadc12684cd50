"""Clients ask for something else: they are refused, or they scan."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.request import seen_by_clients
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeJourney:
    """Let clients add ``requests`` to their journey, which are answered with ``status``.

    ``requests`` maps ``"METHOD /path"`` to weights, on the same scale as the journey's own.
    """

    requests: Mapping[str, int]
    status: int
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return f"clients ask for {', '.join(self.requests)} as well, and get {self.status}"

    def effect(self, load: Load, service: Service) -> Effect:
        """The share of all requests that is added."""
        added = sum(self.requests.values())
        return Effect(level=added / (added + sum(load.journey.values())))

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Change the journey until the context ends; the status at the clients is the witness."""
        begun = time.time()
        target.load.use_journey(target.id, {**target.journey, **self.requests})
        try:
            yield seen_by_clients(
                target,
                after=begun,
                bit=lambda sample: str(self.status) in sample.statuses,
                text=f"answers with status {self.status}",
            )
        finally:
            target.load.use_journey(target.id, target.journey)
