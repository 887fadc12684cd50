"""The last traced request of each latency bucket, in memory that every worker can read.

The client library keeps exemplars in one process and drops them in several. Here each process
has a page of rows, one a method and route; whoever answers a scrape takes the newest of all.
"""

import bisect
import math
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROWS = 256
"""Series that can have exemplars; any beyond go without."""

_SLOT = struct.Struct("16sdd")
_NAME_BYTES = 256
_NOTHING = bytes(_SLOT.size)

Series = tuple[str, str]
"""Method and endpoint."""


class Exemplar(NamedTuple):
    """One request that fell into a bucket; `at` is in epoch seconds."""

    trace_id: str
    value: float
    at: float


class Exemplars:
    """Exemplars of one histogram; `edges` are its finite upper edges, in its unit.

    `directory` is where workers keep their pages; None keeps the page in this process's memory.
    `name` tells applications of one process apart, whose pages would else be one.
    """

    def __init__(
        self, edges: tuple[float, ...], directory: Path | None, *, name: str = "service"
    ) -> None:
        self._edges = edges
        self._directory = directory
        self._file_prefix = f"exemplars_{name}_"
        self._row_bytes = _NAME_BYTES + (len(edges) + 1) * _SLOT.size
        self._lock = threading.Lock()
        self._page: mmap.mmap | None = None
        self._pid = 0
        self._rows = 0

    def of(self, method: str, endpoint: str) -> Callable[[float, str], None]:
        """Return what notes a value and its trace id for one series, in this process."""
        name = f"{method} {endpoint}".encode()
        with self._lock:
            try:
                page = self._own_page()
            except OSError:  # no room for it
                return _forget
            if self._rows >= ROWS or len(name) >= _NAME_BYTES:
                return _forget
            start = self._rows * self._row_bytes
            self._rows += 1
            page[start : start + len(name)] = name
        edges, slots, size, pack = self._edges, start + _NAME_BYTES, _SLOT.size, _SLOT.pack

        def note(value: float, trace_id: str) -> None:
            place = slots + bisect.bisect_left(edges, value) * size
            page[place : place + size] = pack(bytes.fromhex(trace_id), value, time.time())

        return note

    def newest(self) -> dict[Series, dict[float, Exemplar]]:
        """Return each series' newest exemplars by the upper edge of their bucket."""
        found: dict[Series, dict[float, Exemplar]] = {}
        for page in self._pages():
            for series, slots in self._filled(page):
                edges = found.setdefault(series, {})
                for edge, place in zip((*self._edges, math.inf), slots, strict=True):
                    exemplar = _read(page, place)
                    if exemplar and (edge not in edges or edges[edge].at < exemplar.at):
                        edges[edge] = exemplar
        return found

    def _own_page(self) -> mmap.mmap:
        if self._page is None or self._pid != os.getpid():
            size = ROWS * self._row_bytes
            if self._directory is None:
                self._page = mmap.mmap(-1, size)
            else:
                path = self._directory / f"{self._file_prefix}{os.getpid()}.page"
                with path.open("w+b") as file:
                    os.posix_fallocate(file.fileno(), 0, size)  # a hole could not be written later
                    self._page = mmap.mmap(file.fileno(), size)
            self._pid, self._rows = os.getpid(), 0
        return self._page

    def _pages(self) -> Iterator[mmap.mmap]:
        if self._directory is None:
            if self._page is not None:
                yield self._page
            return
        for path in self._directory.glob(f"{self._file_prefix}*.page"):
            if not path.stem.removeprefix(self._file_prefix).isdecimal():
                continue  # of an application whose name goes on
            try:
                with path.open("rb") as file:
                    page = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (FileNotFoundError, ValueError):  # its worker died, or begins, just now
                continue
            with page:
                yield page

    def _filled(self, page: mmap.mmap) -> Iterator[tuple[Series, range]]:
        for start in range(0, len(page) - self._row_bytes + 1, self._row_bytes):
            name = page[start : start + _NAME_BYTES].rstrip(b"\0")
            if not name:
                return  # rows are given out in order
            method, _, endpoint = name.decode(errors="replace").partition(" ")
            first = start + _NAME_BYTES
            yield (method, endpoint), range(first, start + self._row_bytes, _SLOT.size)


def _read(page: mmap.mmap, place: int) -> Exemplar | None:
    slot = page[place : place + _SLOT.size]
    if slot == _NOTHING or slot != page[place : place + _SLOT.size]:
        return None  # nothing there, or being written at this moment
    trace_id, value, at = _SLOT.unpack(slot)
    return Exemplar(trace_id=trace_id.hex(), value=value, at=at)


def _forget(_value: float, _trace_id: str) -> None:
    """Note nothing: there is no row left."""
