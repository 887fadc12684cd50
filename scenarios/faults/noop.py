"""Nothing is broken: the control that shows that a proof can fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Noop:
    """Do nothing, and claim a witness all the same."""

    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "nothing"

    def effect(self, load: Load, service: Service) -> Effect:
        """No effect, though the bounds are computed as for a full one."""
        return Effect(level=1.0)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Do nothing until the context ends."""
        yield Witness.now("nothing was done")
