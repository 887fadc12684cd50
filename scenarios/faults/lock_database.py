"""Somebody holds the database locked, and does not let go."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from scenarios.conditions import Load, Service
from scenarios.faults.database import wait_read
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import witnessed
from scenarios.target import Target

BUSY = timedelta(seconds=5)
"""How long the demo's connections wait for a lock (instrumentation/demo/database.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockDatabase:
    """Hold an exclusive transaction, so that readers and writers wait until they give up."""

    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "the database is locked by somebody else, and hangs"

    def effect(self, load: Load, service: Service) -> Effect:
        """The service's own probe sees it; every request waits as long as its connection does."""
        return Effect(probed=True, longest_response=BUSY + timedelta(seconds=1), lingers=BUSY)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Hold the lock until the context ends, which waits until the database is read again."""
        with closing(sqlite3.connect(target.database, isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            try:
                yield witnessed(target, lambda: _is_locked(target), "another connection is refused")
            finally:
                holder.execute("ROLLBACK")
        wait_read(target)


def _is_locked(target: Target) -> bool:
    with closing(sqlite3.connect(target.database, timeout=0)) as other:
        try:
            other.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            return "locked" in str(error)
    return False
