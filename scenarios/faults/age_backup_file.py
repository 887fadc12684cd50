"""The file of the last backup was written too long ago, or is not there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, FaultDidNotBite, Witness
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeBackupFile:
    """Set the file's time back by ``age``; ``None`` moves it away."""

    age: timedelta | None
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        if self.age is None:
            return "there is no file of a backup"
        return f"the file of the last backup is {self.age.total_seconds() / 3600:g} h old"

    def effect(self, load: Load, service: Service) -> Effect:
        """The file's time is read every so often."""
        return Effect(probed=True)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Age the file until the context ends; what the file system says is the witness."""
        file = target.backup_status
        away = file.with_name(f"{file.name}.away")
        if self.age is None:
            file.rename(away)
        else:
            then = time.time() - self.age.total_seconds()
            os.utime(file, (then, then))
        try:
            yield self._seen(target)
        finally:
            if away.exists():
                away.rename(file)
            os.utime(file)

    def _seen(self, target: Target) -> Witness:
        file = target.backup_status
        if self.age is None and file.exists():
            raise FaultDidNotBite(f"expected {file} to be gone, and it is there")
        if self.age is not None and time.time() - file.stat().st_mtime < self.age.total_seconds():
            raise FaultDidNotBite(f"expected {file} to be {self.age} old, and it is younger")
        return Witness.now(f"the file system says of {file.name}: {self.text}")
