"""A disk of the service's own is filled at a steady pace, and stopped well before it is full."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, FaultDidNotBite, Witness
from scenarios.faults.process import witnessed
from scenarios.target import Target

PACE_SECONDS = 0.1
"""Between two writes: shorter than the service's own look at its disk, which sees a steady line."""

FULL = 0.85
"""The share of the disk that is never passed: neither the log nor the database may fail."""

FILLING = "filling"
"""The file that is written to the disk, and removed from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillDisk:
    """Fill the disk to ``used`` at once, and then up to ``until`` by ``per_second`` of it.

    Ratios of the disk's size. The first step makes the trend; the pace keeps it. A trend that is
    drawn out by so much that a steady pace of 0.6 % a second would fill the disk from ``used`` on
    (at time scale 60 four hours are four minutes) stays one for as long as the fault lasts.
    """

    used: float
    until: float = FULL
    per_second: float = 0.006
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return f"something fills the disk, {self.used:.0%} of it at once and then more"

    def effect(self, load: Load, service: Service) -> Effect:
        """The service looks at its disk every so often; a second later the line is steep enough.

        A step by half of the disk at the end of a flat window is a trend towards nothing left once
        it makes up 4 % of the window. With the room back, the disk is not nearly full at once.
        """
        return Effect(fills=0.06, drains=False, probed=True)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Fill the disk until the context ends, which removes what was written."""
        disk = seen_from_outside(target)
        file = disk / FILLING
        ended = threading.Event()
        begun = used(disk)
        filler = threading.Thread(
            target=self._fill, args=(file, ended), name=f"fills-disk-of-{target.id}", daemon=True
        )
        filler.start()
        try:
            witnessed(
                target,
                lambda: used(disk) >= self.used,
                f"{self.used:.0%} of {target.disk} are used (before: {begun:.0%})",
            )
            at_first = used(disk)
            yield witnessed(
                target,
                lambda: used(disk) > at_first,
                f"the kernel shows {target.disk} {at_first:.0%} full, and more every moment",
            )
        finally:
            ended.set()
            filler.join()
            file.unlink(missing_ok=True)
            witnessed(
                target,
                lambda: used(disk) < self.used,
                f"{target.disk} to have the room back that was taken",
            )

    def _fill(self, file: Path, ended: threading.Event) -> None:
        about = os.statvfs(file.parent)
        size = about.f_blocks * about.f_frsize
        taken = used(file.parent)
        with file.open("ab", buffering=0) as filling:
            self._write(filling.fileno(), int((self.used - taken) * size) + about.f_frsize)
            step = int(self.per_second * PACE_SECONDS * size)
            while not ended.wait(PACE_SECONDS):
                if used(file.parent) < min(self.until, FULL):
                    self._write(filling.fileno(), step)

    @staticmethod
    def _write(descriptor: int, number: int) -> None:
        if number > 0:
            os.write(descriptor, bytes(number))


def seen_from_outside(target: Target) -> Path:
    """Return the folder of the target's own disk as this process sees it.

    Raises:
        FaultDidNotBite: the instance has no disk of its own, so nothing may be filled.
    """
    pid = target.instance.fleet.pid_of(target.instance.id)
    if target.disk is None or pid is None:
        raise FaultDidNotBite(
            f"{target.id} has no disk of its own to fill; give its Service a disk"
        )
    folder = Path(f"/proc/{pid}/root") / target.disk.relative_to("/")
    if folder.stat().st_dev == target.disk.stat().st_dev:
        raise FaultDidNotBite(
            f"{target.disk} lies on the machine's own disk, which is not filled; "
            f"look: {target.instance.directory}/gunicorn.log"
        )
    return folder


def used(folder: Path) -> float:
    """Return the share of a folder's file system that is used."""
    about = os.statvfs(folder)
    return 1.0 - about.f_bavail / about.f_blocks
