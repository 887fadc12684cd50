"""The service's container is taken off its network: alive, and reached by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import silent, witnessed
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect:
    """Take the container off its network; the repair puts it back, at its address."""

    downtime: bool = True

    @property
    def text(self) -> str:
        """What is broken."""
        return "the service is cut off from its network"

    def effect(self, load: Load, service: Service) -> Effect:
        """A scrape hangs until its time-out: nobody is there to refuse it."""
        return Effect(times_out=True)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Cut the service off until the context ends, which waits for it to be reached again."""
        container = target.instance.fleet.container
        container.disconnect()
        try:
            yield witnessed(
                target,
                lambda: bool(target.instance.processes()) and silent(target),
                "its processes run, and nothing answers at its address",
            )
        finally:
            container.connect()
            target.instance.wait_serving(target.patience_seconds)
