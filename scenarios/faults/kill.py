"""The service's processes are killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import silent, witnessed
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Kill the master and its workers with SIGKILL; the repair starts them again.

    ``averaged`` tells that the drilled rule averages the downtime over its windows.
    """

    averaged: bool = False
    downtime: bool = True

    @property
    def text(self) -> str:
        """What is broken."""
        return "every process of the service is killed"

    def effect(self, load: Load, service: Service) -> Effect:
        """The next scrape is refused; of a container nothing is left that would refuse it."""
        return Effect(level=1.0 if self.averaged else None, times_out=service.own_container)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Kill the service until the context ends, which waits for it to serve again."""
        for instance in target.instances:
            instance.kill()
        try:
            yield witnessed(
                target,
                lambda: (
                    not any(instance.processes() for instance in target.instances)
                    and silent(target)
                ),
                "no process is left, and connections are refused",
            )
        finally:
            for instance in target.instances:
                instance.start()
            for instance in target.instances:
                instance.wait_serving(target.patience_seconds)
