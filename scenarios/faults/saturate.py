"""Every request is held, so that the threads that serve run out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from scenarios.conditions import Load, Service
from scenarios.faults.delay import Delay
from scenarios.faults.fault import Effect, Witness
from scenarios.load_plan import threads_needed
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturate:
    """Hold every request for ``seconds``: at a steady rate, rate x seconds of them at a time."""

    seconds: float
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return f"every request occupies its thread for {self.seconds:g} s"

    def effect(self, load: Load, service: Service) -> Effect:
        """The share of the threads that is occupied (Little's law), once as many requests came."""
        held = timedelta(seconds=self.seconds)
        threads = threads_needed(load.per_second, self.seconds)
        return Effect(
            level=load.per_second * self.seconds / threads,
            builds=held,
            lingers=held,
            longest_response=held,
            occupies=True,
        )

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Hold requests until the context ends; late answers are the witness."""
        with Delay(seconds=self.seconds, share=1.0).inject(target) as witness:
            yield witness
