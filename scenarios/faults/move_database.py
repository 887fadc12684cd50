"""The database file is moved away under the running service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.database import wait_read
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import status_of, witnessed
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveDatabase:
    """Rename the database; the service opens without creating, so nothing takes its place."""

    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "the database is moved away"

    def effect(self, load: Load, service: Service) -> Effect:
        """The service's own probe of its database sees it."""
        return Effect(probed=True)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Move the database away until the context ends, which waits until it is read again."""
        away = target.database.with_suffix(".away")
        target.database.rename(away)
        try:
            yield witnessed(
                target,
                lambda: status_of(target, target.page) >= 500,
                f"GET {target.page} fails with a server error",
            )
        finally:
            away.rename(target.database)
            wait_read(target)
