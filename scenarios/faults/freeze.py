"""The service's processes are stopped: alive, and answering nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import silent, witnessed
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Stop every process of the service: its master too, so that it replaces no worker."""

    downtime: bool = True

    @property
    def text(self) -> str:
        """What is broken."""
        return "every process of the service is frozen"

    def effect(self, load: Load, service: Service) -> Effect:
        """A scrape hangs until its time-out."""
        return Effect(times_out=True)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Freeze the service until the context ends, which waits for it to serve again."""
        target.instance.freeze()
        try:
            yield witnessed(
                target,
                lambda: target.instance.frozen and silent(target),
                f"{target.instance.frozen_says}, and requests are not answered",
            )
        finally:
            target.instance.thaw()
            target.instance.wait_serving(target.patience_seconds)
