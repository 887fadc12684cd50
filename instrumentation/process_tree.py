"""The service is its whole process tree: server master, workers, and whatever they start.

Memory is proportional (PSS), so that pages which forked processes share count once. CPU time of
children that ended stays in the sum, so that it never goes back.
"""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

_TOPOLOGY_SECONDS = 1.0  # how long a list of processes is believed; listing costs a file a thread

_declared_root: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeMemory:
    """Memory of the tree in bytes; RSS counts a shared page once for each process."""

    pss_bytes: int
    rss_bytes: int


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


class ProcessTree:
    """Reads what the processes under `root_pid` use; safe to share between threads."""

    def __init__(self, root_pid: int) -> None:
        self._root_pid = root_pid
        self._lock = threading.Lock()
        self._processes: dict[int, psutil.Process] = {}
        self._listed_at = -_TOPOLOGY_SECONDS
        self._cpu_seconds = 0.0

    def pids(self) -> tuple[int, ...]:
        """Return the process ids of the tree, the root first."""
        with self._lock:
            return tuple(self._current())

    def memory(self) -> TreeMemory:
        """Return the memory that the tree holds now."""
        pss = rss = 0
        with self._lock:
            for pid, process in self._current().items():
                try:
                    own_pss, own_rss = _memory_of(pid, process)
                except (psutil.Error, ProcessLookupError, FileNotFoundError):
                    self._listed_at = -_TOPOLOGY_SECONDS  # it ended: list anew next time
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
                    self._listed_at = -_TOPOLOGY_SECONDS
        return total

    def cpu_seconds(self) -> float:
        """Return the CPU time used by the tree since its start; it never decreases."""
        own = os.getpid()
        total = 0.0
        with self._lock:
            for pid, process in self._current().items():
                try:
                    times = process.cpu_times()
                except psutil.Error:
                    self._listed_at = -_TOPOLOGY_SECONDS
                    continue
                # The process's own clock is exact; the table of processes ticks every 10 ms.
                used = time.process_time() if pid == own else times.user + times.system
                total += used + times.children_user + times.children_system
            # A child that ends between two reads would be missed for one moment.
            self._cpu_seconds = max(self._cpu_seconds, total)
            return self._cpu_seconds

    def _current(self) -> dict[int, psutil.Process]:
        now = time.monotonic()
        if now - self._listed_at >= _TOPOLOGY_SECONDS:
            known = self._processes
            self._processes = {}
            for pid in _descendants(self._root_pid):
                try:
                    self._processes[pid] = known.get(pid) or psutil.Process(pid)
                except psutil.NoSuchProcess:
                    continue
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
        except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
            continue
    return found


def _descendants_by_scan(root_pid: int) -> list[int]:
    """List the tree where the kernel does not name children: reads the whole process table."""
    try:
        return [root_pid, *(c.pid for c in psutil.Process(root_pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return [os.getpid()]


def _memory_of(pid: int, process: psutil.Process) -> tuple[int, int]:
    """Return (PSS, RSS) in bytes; RSS stands for both where the kernel does not tell PSS."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_bytes()
    except (PermissionError, FileNotFoundError):  # another user's process, or another system
        rss = process.memory_info().rss
        return rss, rss
    values = {}
    for line in rollup.splitlines()[1:3]:
        name, kilobytes, _ = line.split()
        values[name] = int(kilobytes) * 1024
    return values[b"Pss:"], values[b"Rss:"]
