"""The last quarter of an hour of a whole service: each process writes alone, readers add up.

Where there are several processes each has a file of its own in a directory that they share, and
one file holds what processes left that have ended. No request waits for another process.
"""

import logging
import mmap
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from http import HTTPMethod
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from instrumentation.recent_ring import (
    SIZE_BYTES,
    LastError,
    Recent,
    Ring,
    merged,
    read,
    seconds_now,
    write,
)

if TYPE_CHECKING:
    from instrumentation.correlation import RequestState

_LOGGER = logging.getLogger(__name__)
_OPENING = threading.Lock()

METHODS, OTHER_METHOD = frozenset(HTTPMethod), "other"
"""What a method may be called; a client must not decide how many there are."""

DEAD = 0
"""The process id under which lies what all ended processes left; no process has it."""


class _Own(NamedTuple):
    """The ring of one process; `shared` tells whether it lies in the directory."""

    pid: int
    lock: threading.Lock
    ring: Ring
    memory: mmap.mmap
    shared: bool


class RecentErrors:
    """Counts requests and errors of the last 15 minutes, and remembers the last errors.

    `directory` is the one that the service's processes share; None keeps all in this process.
    `name` tells applications of one process apart. `reading` keeps `merge_dead` away while the
    files are read. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        name: str = "service",
        reading: Callable[[], AbstractContextManager[object]] = nullcontext,
        clock: Callable[[], float] = seconds_now,
    ) -> None:
        self._directory = directory
        self._name = name
        self._reading = reading
        self._clock = clock
        self._own: _Own | None = None

    def add(self, state: "RequestState") -> None:
        """Count one finished request. The instrumentation's own are the caller's to leave out."""
        own = self._own
        if own is None or own.pid != os.getpid():
            own = self._open()
        failed = state.failed
        with own.lock:
            own.ring.count(int(self._clock()), failed=failed)
            if failed:
                own.ring.note(_last_error(state))

    def recent(self) -> Recent:
        """Return what all processes have seen, the ended ones included."""
        parts = []
        own = self._own
        if own is not None and own.pid == os.getpid() and not own.shared:
            parts.append(read(own.memory[:]))
        if self._directory is not None:
            with self._reading():
                parts += [_read_file(path) for path in _files(self._directory, self._name)]
        return merged(part for part in parts if part is not None)

    @property
    def now(self) -> int:
        """The second that is being counted."""
        return int(self._clock())

    def _open(self) -> _Own:
        """Open a ring for this process; a forked child must not write into its parent's."""
        with _OPENING:
            own, pid = self._own, os.getpid()
            if own is None or own.pid != pid:
                memory, shared = self._memory(pid)
                own = self._own = _Own(
                    pid=pid,
                    lock=threading.Lock(),
                    ring=Ring(memoryview(memory)),
                    memory=memory,
                    shared=shared,
                )
            return own

    def _memory(self, pid: int) -> tuple[mmap.mmap, bool]:
        if self._directory is not None:
            path = _file(self._directory, self._name, pid)
            try:
                return _map(path), True
            except OSError as error:
                # A request must not fail because its error cannot be counted everywhere.
                _LOGGER.error("%s: %s; other processes will not see this one's errors", path, error)
        return mmap.mmap(-1, SIZE_BYTES), False


def merge_dead(directory: Path, pid: int) -> None:
    """Add what an ended process has left to the file of the ended ones, and remove it.

    The caller keeps readers and other callers away meanwhile.
    """
    for path in directory.glob(f"recent_*_{pid}.ring"):
        name = path.name.removeprefix("recent_").removesuffix(f"_{pid}.ring")
        total = _file(directory, name, DEAD)
        parts = (_read_file(total), _read_file(path))
        _replace(total, write(merged(part for part in parts if part is not None)))
        path.unlink(missing_ok=True)


def _last_error(state: "RequestState") -> LastError:
    status = state.status or 500
    return LastError(
        timestamp_seconds=time.time(),
        status=status,
        request_id=state.request_id,
        trace_id=state.trace_id,
        method=state.method if state.method in METHODS else OTHER_METHOD,
        route=state.rule,
        error_type=state.error_type or f"http_{status}",
    )


def _file(directory: Path, name: str, pid: int) -> Path:
    return directory / f"recent_{name}_{pid}.ring"


def _files(directory: Path, name: str) -> Iterator[Path]:
    for path in directory.glob(f"recent_{name}_*.ring"):
        if path.name.removeprefix(f"recent_{name}_").removesuffix(".ring").isdigit():
            yield path


def _read_file(path: Path) -> Recent | None:
    try:
        return read(path.read_bytes())
    except FileNotFoundError:  # merged meanwhile, or never there
        return None


def _map(path: Path) -> mmap.mmap:
    """Map the file, which goes on where a process of the same id left it unmerged."""
    if _read_file(path) is None:
        _replace(path, write(Recent()))
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), SIZE_BYTES)


def _replace(path: Path, content: bytes) -> None:
    """Write the file in one step, so that nobody sees a part of it.

    The content is written out, not left as a hole: a full disk must be an error here, as a
    signal would end the process when the hole is filled later.
    """
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    new.replace(path)
