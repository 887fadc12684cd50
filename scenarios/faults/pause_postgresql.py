"""The database server's container is paused: it takes connections, and answers nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from scenarios.conditions import Load, Service
from scenarios.faults.database import wait_read
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.postgresql import READY, not_ready, server_of
from scenarios.faults.process import witnessed
from scenarios.target import Target

STATEMENT = timedelta(seconds=10)
"""How long the demo's statements may take (instrumentation/demo/database.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PausePostgreSQL:
    """Freeze PostgreSQL; whoever asks it waits until it goes on."""

    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "the database server is frozen"

    def effect(self, load: Load, service: Service) -> Effect:
        """The service's own probe sees it; every request waits as long as its statement may take.

        A frozen server does not end a statement either, so requests wait until it goes on.
        """
        return Effect(probed=True, longest_response=2 * STATEMENT, lingers=timedelta(seconds=1))

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Freeze the server until the context ends, which waits until the database is read again.

        The engine and the service's readiness are the witnesses.
        """
        server = server_of(target)
        server.container.pause()
        try:
            yield witnessed(
                target,
                lambda: server.container.paused and not_ready(target),
                f"the engine says that the server is paused, and {READY} fails",
            )
        finally:
            server.container.unpause()
            wait_read(target)
