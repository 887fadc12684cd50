"""What the kernel says of a process tree: memory held and CPU time used."""

from __future__ import annotations

from collections.abc import Iterable

import psutil


def held_bytes(processes: Iterable[psutil.Process]) -> int:
    """Return the summed proportional set size of the processes, in bytes.

    Proportional, because forked workers share pages that a sum of resident sizes counts often.
    """
    total = 0
    for process in processes:
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """Return the CPU time, user and system, that the processes have used, in seconds."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
