"""The database server's container is killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.database import wait_read
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.postgresql import READY, not_ready, server_of
from scenarios.faults.process import witnessed
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPostgreSQL:
    """Kill PostgreSQL; the repair starts it again, on what it had written."""

    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "the database server is killed"

    def effect(self, load: Load, service: Service) -> Effect:
        """The service's own probe of its database sees it."""
        return Effect(probed=True)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Kill the server until the context ends, which waits until the database is read again."""
        server = server_of(target)
        server.container.kill()
        try:
            yield witnessed(
                target,
                lambda: server.container.poll() is not None and not_ready(target),
                f"the engine says that the server has ended, and {READY} fails",
            )
        finally:
            server.container.start_again()
            server.wait_ready(target.patience_seconds)
            wait_read(target)
