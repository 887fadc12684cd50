"""Customers pay with cards that are declined: bad for them, and no fault of the service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.request import seen_by_clients
from scenarios.target import Target

GOOD_CARD = "pm_card_visa"
DECLINED_CARD = "pm_card_chargeDeclined"
PAYMENT_REQUIRED = "402"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineCards:
    """Let every customer pay with a declined card."""

    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "every card is declined"

    def effect(self, load: Load, service: Service) -> Effect:
        """No attempt fails for a reason other than the card."""
        return Effect(level=1.0)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Use declined cards until the context ends; declined payments are the witness."""
        begun = time.time()
        target.load.use_card(target.id, DECLINED_CARD)
        try:
            yield _declined(target, begun)
            # Silence proves nothing unless payments went on being declined until the end.
            _declined(target, time.time())
        finally:
            target.load.use_card(target.id, GOOD_CARD)


def _declined(target: Target, after: float) -> Witness:
    return seen_by_clients(
        target,
        after=after,
        bit=lambda sample: PAYMENT_REQUIRED in sample.statuses,
        text=f"payments answered with {PAYMENT_REQUIRED}",
    )
