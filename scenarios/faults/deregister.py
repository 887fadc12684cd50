"""The service vanishes from Prometheus' service discovery, and goes on serving."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import witnessed
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Deregister:
    """Remove the file through which the instance is discovered."""

    downtime: bool = True

    @property
    def text(self) -> str:
        """What is broken."""
        return "the service is gone from discovery"

    def effect(self, load: Load, service: Service) -> Effect:
        """Prometheus drops the target at its next discovery tick."""
        return Effect(discovered=True)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Withdraw the target until the context ends."""
        target.discovery.withdraw()
        try:
            yield witnessed(
                target,
                lambda: not target.discovery.announced and target.instance.serves(),
                "the discovery file is gone while the service still answers",
            )
        finally:
            target.discovery.announce()
