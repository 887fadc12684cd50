"""Series are played into the stack, made of the rule's own expression: a synthetic drill.

Nothing is broken but what the exporter says. It proves the rule, its route and its receivers, and
nothing of the service whose series these would be.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, FaultDidNotBite, Witness
from scenarios.played import BROKEN, WELL
from scenarios.target import Target
from stack.waiting import WaitTimeout


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaySeries:
    """Serve the drill's series as they are when something is broken.

    ``averaged`` is whether the rule looks over a window, which must then fill.
    """

    averaged: bool
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "synthetic: an exporter plays series under which the rule holds"

    def effect(self, load: Load, service: Service) -> Effect:
        """The next scrape has them; a window is full of nothing else once it has passed."""
        return Effect(fills=1.0 if self.averaged else None)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Play them until the context ends; that Prometheus was served them is the witness.

        Raises:
            FaultDidNotBite: it was not within the target's patience.
        """
        player = target.player
        if player is None:
            raise FaultDidNotBite(f"{target.id} has no exporter that plays series")
        try:
            player.play(BROKEN, timeout_seconds=target.patience_seconds, scrapes=1)
        except WaitTimeout as error:
            raise FaultDidNotBite(str(error)) from error
        try:
            moved = ", ".join(one.text for one in player.series if one.well != one.broken)
            yield Witness.now(f"synthetic: Prometheus was served what was moved of {moved}")
        finally:
            player.play(WELL, timeout_seconds=target.patience_seconds, scrapes=1)
