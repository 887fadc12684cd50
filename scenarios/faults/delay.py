"""A share of the requests is answered late."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from instrumentation.faults import contract
from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.request import asked, carried, seen_by_clients
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Hold ``share`` of the requests, or of those named in ``only``, for ``seconds``."""

    seconds: float
    share: float
    only: tuple[str, ...] = ()
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return f"{self.share:.0%} of {asked(self.only)} take {self.seconds:g} s"

    def effect(self, load: Load, service: Service) -> Effect:
        """A share of slow requests; those in flight linger for as long as they are held."""
        held = timedelta(seconds=self.seconds)
        return Effect(level=self.share, lingers=held, longest_response=held)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Delay requests until the context ends; the first late answer is the witness."""
        wire = contract.fault_to_json(contract.Delay(seconds=self.seconds))
        with carried(target, wire, self.share, self.only) as begun:
            yield seen_by_clients(
                target,
                after=begun,
                bit=lambda sample: (sample.faulted.max_ms or 0) >= self.seconds * 1000,
                text=f"answers that took at least {self.seconds:g} s",
            )
