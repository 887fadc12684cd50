"""The smallest limit is the one in force, and it decides what has to be measured against it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from instrumentation.cgroup import MemoryCgroup, cpu_quota_cores, memory_cgroup


class MemoryLimit(NamedTuple):
    """The memory limit in force; `source` is "cgroup", "configured" or "host".

    `considered` holds every limit that was found, by source. `cgroup` is set when the limit of a
    control group is in force: then that group's own accounting is what counts.
    """

    limit_bytes: int
    source: str
    considered: Mapping[str, int]
    cgroup: MemoryCgroup | None


class CpuLimit(NamedTuple):
    """The CPU limit in force; `source` is "cgroup", "configured", "affinity" or "host"."""

    cores: float
    source: str
    considered: Mapping[str, float]


def memory_limit(configured_bytes: int | None, *, root: Path = Path("/")) -> MemoryLimit:
    """Return the smallest of control group limit, configured limit and host memory."""
    host = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    group = memory_cgroup(below_bytes=host, root=root)
    considered = {"host": host}
    if configured_bytes is not None:
        considered["configured"] = configured_bytes
    if group is not None:
        considered["cgroup"] = group.limit_bytes
    source = min(considered, key=lambda name: considered[name])
    return MemoryLimit(
        limit_bytes=considered[source],
        source=source,
        considered=considered,
        cgroup=group if source == "cgroup" else None,
    )


def cpu_limit(configured_cores: float | None, *, root: Path = Path("/")) -> CpuLimit:
    """Return the smallest of control group quota, configured limit, affinity and host cores."""
    considered = {"host": float(os.cpu_count() or 1)}
    if hasattr(os, "sched_getaffinity"):
        considered["affinity"] = float(len(os.sched_getaffinity(0)))
    if configured_cores is not None:
        considered["configured"] = configured_cores
    quota = cpu_quota_cores(root=root)
    if quota is not None:
        considered["cgroup"] = quota
    source = min(considered, key=lambda name: considered[name])
    return CpuLimit(cores=considered[source], source=source, considered=considered)
