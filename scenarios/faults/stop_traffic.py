"""Nobody asks any more, though the service is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, FaultDidNotBite, Witness
from scenarios.target import Target

QUIET_SECONDS = 1.0
"""For so long no answer at all is a stop, with four requests a second; those in flight are over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTraffic:
    """Stop the load, as a broken load balancer or name does.

    ``fills`` is how much of the window of the traffic before is as long as that of the silence.
    """

    fills: float
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "no request arrives"

    def effect(self, load: Load, service: Service) -> Effect:
        """The window must have forgotten every request."""
        return Effect(fills=self.fills)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Stop the load until the context ends."""
        stopped = target.load.flow(target.id, on=False)
        try:
            late = target.client.wait_for(
                lambda sample: sample.count > 0,
                after=stopped + QUIET_SECONDS / 2,
                timeout_seconds=QUIET_SECONDS,
            )
            if late is not None or not target.instance.serves():
                raise FaultDidNotBite(
                    f"expected {target.id} to serve and to be asked nothing; observed {late}"
                )
            yield Witness(at=stopped, text="the load stopped, and the service still answers")
        finally:
            target.load.flow(target.id, on=True)
