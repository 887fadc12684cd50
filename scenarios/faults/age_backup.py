"""The recorded time of the last successful backup lies too far back, or there is none."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, FaultDidNotBite, Witness
from scenarios.target import Target
from stack.replacing import replace_text


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeBackup:
    """Set the last backup's time back by ``age``; ``None`` removes the record altogether."""

    age: timedelta | None
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        if self.age is None:
            return "no backup was ever recorded"
        return f"the last backup is {self.age.total_seconds() / 3600:g} h old"

    def effect(self, load: Load, service: Service) -> Effect:
        """The service re-reads the record every so often."""
        return Effect(probed=True)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Change the record until the context ends; reading it back is the witness."""
        record = target.backup_status
        before = record.read_text()
        if self.age is None:
            record.unlink()
        else:
            aged = json.loads(before)
            aged["completed_at"] = time.time() - self.age.total_seconds()
            replace_text(target.backup_status, json.dumps(aged))
        try:
            yield self._read_back(target)
        finally:
            replace_text(target.backup_status, before)

    def _read_back(self, target: Target) -> Witness:
        record = target.backup_status
        found = None
        if record.exists():
            completed_at = json.loads(record.read_text())["completed_at"]
            found = timedelta(seconds=time.time() - completed_at)
        if (found is None) != (self.age is None) or (found and self.age and found < self.age):
            raise FaultDidNotBite(
                f"expected {record} to say that {self.text}; it says "
                + ("nothing" if found is None else f"{found} ago")
            )
        return Witness.now(f"read back from {record.name}: {self.text}")
