"""The payment gateway misbehaves: server errors, no answer in time, a refused key."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.request import seen_by_clients
from scenarios.target import Target

NORMAL = "normal"
BAD_GATEWAY = "502"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAnswers:
    """Let the gateway answer every payment with ``behaviour``."""

    behaviour: str
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return f"the payment gateway answers with {self.behaviour}"

    def effect(self, load: Load, service: Service) -> Effect:
        """Every payment attempt fails."""
        return Effect(level=1.0)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Change the gateway's answers until the context ends; failed payments are the witness."""
        begun = time.time()
        target.gateway.behave(self.behaviour)
        try:
            yield seen_by_clients(
                target,
                after=begun,
                bit=lambda sample: BAD_GATEWAY in sample.statuses,
                text=f"payments answered with {BAD_GATEWAY}",
            )
        finally:
            target.gateway.behave(NORMAL)
