"""The service says that it is not ready, though it serves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import status_of, witnessed
from scenarios.target import Target
from stack.waiting import wait_until

READY = "/api/metrics/ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Put the file in place that means maintenance, and forget it there."""

    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "the service is left in maintenance"

    def effect(self, load: Load, service: Service) -> Effect:
        """The service looks at its own readiness every so often."""
        return Effect(probed=True)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Keep the file there until the context ends, which waits until the service is ready."""
        target.maintenance.touch()
        try:
            yield witnessed(
                target, lambda: status_of(target, READY) == 503, f"GET {READY} is answered with 503"
            )
        finally:
            target.maintenance.unlink()
            wait_until(
                lambda: target.instance.serves(READY) or None,
                what=f"{target.id} to be ready again",
                timeout_seconds=target.patience_seconds,
            )
