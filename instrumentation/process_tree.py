"""The service is its whole process tree: server master, workers, and whatever they start.

Memory is proportional (PSS), so that pages which forked processes share count once. CPU time of
children that ended stays in the sum, so that it never goes back.
"""

import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

import psutil

_BELIEVED_SECONDS = 2.0
"""How long a list of processes is believed, which costs a file a thread, and how long a reading of
PSS, for which the kernel walks every page: 1 to 2 ms for each process."""

_DRIFT_BYTES = 1024 * 1024
"""Change of the resident size within which PSS is taken to follow it; beyond, it is read anew."""

_declared_root: int | None = None


class TreeMemory(NamedTuple):
    """Memory of the tree in bytes; RSS counts a shared page once for each process."""

    pss_bytes: int
    rss_bytes: int


class _Reading(NamedTuple):
    """PSS of one process, the resident size beside it, and when both were read (monotonic)."""

    pss_bytes: int
    rss_bytes: int
    taken_at: float


def declare_service_root(pid: int) -> None:
    """Say which process is the service's master; a server's post-fork hook knows it for sure."""
    global _declared_root  # a fact about this process, which all its applications share
    _declared_root = pid


def service_root_pid() -> int:
    """Return the top process of the service that this process belongs to.

    That is the declared one, if it is this process or its parent; else the gunicorn master that
    forked this worker (same command line); else this process.
    """
    parent = os.getppid()
    if _declared_root in (os.getpid(), parent):
        return _declared_root
    if os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn/"):
        try:
            command = psutil.Process(parent).cmdline()
            if command == psutil.Process().cmdline() or command[0].startswith("gunicorn: master"):
                return parent
        except (psutil.Error, IndexError):  # no parent that can be read is no master of ours
            return os.getpid()
    return os.getpid()


def process_age_seconds(pid: int) -> float:
    """Return how long ago a process started; 0 for one that is gone."""
    try:
        return max(0.0, time.time() - psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


class ProcessTree:
    """Reads what the processes under `root_pid` use; safe to share between threads."""

    def __init__(self, root_pid: int) -> None:
        self._root_pid = root_pid
        self._lock = threading.Lock()
        self._processes: dict[int, psutil.Process] = {}
        self._readings: dict[int, _Reading] = {}
        self._listed_at = -_BELIEVED_SECONDS
        self._cpu_seconds = 0.0

    def pids(self) -> tuple[int, ...]:
        """Return the process ids of the tree, the root first."""
        with self._lock:
            return tuple(self._current())

    def memory(self, *, exact: bool = True) -> TreeMemory:
        """Return the memory that the tree holds now.

        Unless `exact`, the last reading of PSS is believed for two seconds, corrected by what the
        resident size has changed since; it is read anew when that is more than a mebibyte.
        """
        pss = rss = 0
        with self._lock:
            for pid, process in self._current().items():
                try:
                    own_rss = process.memory_info().rss
                    own_pss = self._pss(pid, own_rss, exact=exact)
                except (psutil.Error, ProcessLookupError, FileNotFoundError):
                    self._listed_at = -_BELIEVED_SECONDS  # it ended: list anew next time
                    continue
                pss += own_pss
                rss += own_rss
        return TreeMemory(pss_bytes=pss, rss_bytes=rss)

    def rss_bytes(self) -> int:
        """Return the summed resident size alone, which costs less than `memory`."""
        total = 0
        with self._lock:
            for process in self._current().values():
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    self._listed_at = -_BELIEVED_SECONDS
        return total

    def cpu_seconds(self) -> float:
        """Return the CPU time used by the tree since its start; it never decreases."""
        own = os.getpid()
        total = 0.0
        with self._lock:
            for pid, process in self._current().items():
                if pid == own:  # its own clock is exact; the table of processes ticks every 10 ms
                    ended = os.times()
                    total += time.process_time() + ended.children_user + ended.children_system
                    continue
                try:
                    times = process.cpu_times()
                except psutil.Error:
                    self._listed_at = -_BELIEVED_SECONDS
                    continue
                total += times.user + times.system + times.children_user + times.children_system
            # A child that ends between two reads would be missed for one moment.
            self._cpu_seconds = max(self._cpu_seconds, total)
            return self._cpu_seconds

    def _pss(self, pid: int, rss_bytes: int, *, exact: bool) -> int:
        last, now = self._readings.get(pid), time.monotonic()
        if last is not None and not exact and now - last.taken_at < _BELIEVED_SECONDS:
            drift = rss_bytes - last.rss_bytes
            if abs(drift) < _DRIFT_BYTES:
                return last.pss_bytes + drift
        pss = _read_pss(pid)
        if pss is None:
            return rss_bytes
        self._readings[pid] = _Reading(pss_bytes=pss, rss_bytes=rss_bytes, taken_at=now)
        return pss

    def _current(self) -> dict[int, psutil.Process]:
        now = time.monotonic()
        if now - self._listed_at >= _BELIEVED_SECONDS:
            known = self._processes
            self._processes = {}
            for pid in _descendants(self._root_pid):
                try:
                    self._processes[pid] = known.get(pid) or psutil.Process(pid)
                except psutil.NoSuchProcess:
                    continue
            self._readings = {
                pid: reading for pid, reading in self._readings.items() if pid in self._processes
            }
            self._listed_at = now
        return self._processes


def _descendants(root_pid: int) -> list[int]:
    if not Path(f"/proc/{root_pid}/task/{root_pid}/children").exists():
        return _descendants_by_scan(root_pid)
    found = [root_pid]
    for pid in found:  # grows while it is read
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        # Ended meanwhile, or another user's where the kernel hides those.
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def _descendants_by_scan(root_pid: int) -> list[int]:
    """List the tree where the kernel does not name children: reads the whole process table."""
    try:
        return [root_pid, *(c.pid for c in psutil.Process(root_pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return [os.getpid()]


def _read_pss(pid: int) -> int | None:
    """Return the process's PSS in bytes, or None where the kernel does not tell it."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_bytes()
    except (PermissionError, FileNotFoundError):  # another user's process, or another system
        return None
    _, _, rest = rollup.partition(b"\nPss:")
    return int(rest.split(maxsplit=1)[0]) * 1024
