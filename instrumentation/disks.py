"""Room on the disks that a service writes to, measured in the background and told to scrapes.

A disk that can't be measured has no series: an old number would hide that it is gone. The task's
failures count it instead.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from instrumentation.extension import Instrumentation

LOGS = "logs"
"""The volume of the log file's folder, wherever that is when it is measured."""


class Room(NamedTuple):
    """One file system; `free_bytes` is what a process without privileges may still take."""

    free_bytes: int
    size_bytes: int


def watch_disk(instrumentation: "Instrumentation", name: str, path: str | Path) -> None:
    """Measure the file system that holds `path`, every `sample_seconds`.

    `<prefix>_disk_free_bytes{volume=name}` and `_disk_size_bytes{volume=name}` tell it, from the
    first scrape on. While `path` is gone they are absent, and
    `<prefix>_background_failures_total{task="disks"}` rises. Raises ValueError for a name in use.
    """
    place = Path(path)
    instrumentation.disks.add(name, lambda: place)


class Disks(Collector):
    """The disks of one application, as this process measured them."""

    def __init__(self, *, prefix: str) -> None:
        self._prefix = prefix
        self._lock = threading.Lock()
        self._paths: dict[str, Callable[[], Path | None]] = {}
        self._rooms: dict[str, Room] = {}

    def add(self, name: str, find: Callable[[], Path | None]) -> None:
        """Measure where `find` says, now and at each `measure`; None: nowhere at present.

        Raises ValueError for a name in use.
        """
        with self._lock:
            if name in self._paths:
                raise ValueError(f"disk {name!r} is watched already: {', '.join(self._paths)}")
            self._paths[name] = find
        with suppress(OSError):  # the background task says so
            self._measure(name, find)

    def measure(self) -> None:
        """Measure all. Raises the first OSError after each has had its turn."""
        problem: OSError | None = None
        with self._lock:
            paths = dict(self._paths)
        for name, find in paths.items():
            try:
                self._measure(name, find)
            except OSError as error:
                problem = problem or error
        if problem is not None:
            raise problem

    def collect(self) -> Iterator[Metric]:
        """Yield what was measured last."""
        rooms = dict(self._rooms)
        free = GaugeMetricFamily(
            f"{self._prefix}_disk_free_bytes",
            "Bytes that the service may still write to the disk.",
            labels=["volume"],
        )
        size = GaugeMetricFamily(
            f"{self._prefix}_disk_size_bytes", "Size of the disk.", labels=["volume"]
        )
        for name, room in rooms.items():
            free.add_metric([name], room.free_bytes)
            size.add_metric([name], room.size_bytes)
        yield free
        yield size

    def _measure(self, name: str, find: Callable[[], Path | None]) -> None:
        room: Room | None = None
        try:
            path = find()
            if path is not None:
                told = os.statvfs(path)
                room = Room(told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize)
        finally:
            rooms = {**self._rooms, name: room}
            self._rooms = {one: known for one, known in rooms.items() if known is not None}


def folder_of_file(path: Path) -> Path | None:
    """Return the folder that a log file is in, or None for what is no file, such as a pipe."""
    if path.exists() and not path.is_file():
        return None
    return path.resolve().parent
