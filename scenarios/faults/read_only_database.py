"""The database can be read, and not written."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import witnessed
from scenarios.target import Target

WRITE_VERSION_AT = 18
"""Where a database file says which version may write it; a version that is not known makes it
read-only for everybody (SQLite, Database File Format, 1.3.3)."""

UNKNOWN_VERSION = b"\x03"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOnlyDatabase:
    """Mark the file as one that only a newer SQLite may write; it holds for root as well."""

    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "the database is read-only"

    def effect(self, load: Load, service: Service) -> Effect:
        """The service's own probe of its database, which writes, sees it."""
        return Effect(probed=True)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Keep the mark until the context ends."""
        with target.database.open("r+b", buffering=0) as file:
            file.seek(WRITE_VERSION_AT)
            before = file.read(1)
            _write(file.fileno(), UNKNOWN_VERSION)
            try:
                yield witnessed(
                    target, lambda: _is_read_only(target), "a write is refused, and a read is not"
                )
            finally:
                _write(file.fileno(), before)


def _write(descriptor: int, version: bytes) -> None:
    os.pwrite(descriptor, version, WRITE_VERSION_AT)


def _is_read_only(target: Target) -> bool:
    """Ask with a write that is never committed.

    A connection that knows its file to be read-only takes BEGIN IMMEDIATE for a plain BEGIN.
    """
    with closing(sqlite3.connect(target.database, isolation_level=None)) as other:
        try:
            other.execute("SELECT count(*) FROM sqlite_master").fetchone()
            other.execute("BEGIN")
            other.execute("PRAGMA user_version = 1")
        except sqlite3.OperationalError as error:
            return "readonly" in str(error)
        except sqlite3.DatabaseError:
            return False
    return False
