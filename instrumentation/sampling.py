"""Gauges are sampled at a fixed pace in the background, so that readers do not disturb them.

Only the counter of CPU seconds is read at the moment of the scrape: a rate needs its exact time.
"""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from instrumentation.high_water import HighWaterMark
from instrumentation.limits import CpuLimit, MemoryLimit

if TYPE_CHECKING:
    from instrumentation.process_tree import ProcessTree

MEBIBYTE_BYTES = 1024 * 1024

_SHORTEST_WINDOW_SECONDS = 0.05  # five ticks of the process table; less would be noise


class MemorySample(NamedTuple):
    """Memory that counts against the limit; `taken_at` is monotonic, in seconds."""

    used_bytes: int
    rss_bytes: int
    percent: float
    taken_at: float


class ResourceSampler:
    """Measures what the limits in force constrain, in whichever process it is asked.

    Against a control group's limit that is the group's own accounting; against any other limit it
    is the proportional set size of the service's process tree.
    """

    def __init__(
        self, *, memory_limit: MemoryLimit, cpu_limit: CpuLimit, directory: Path | None = None
    ) -> None:
        self.memory_limit = memory_limit
        self.cpu_limit = cpu_limit
        self.measured_as = "cgroup" if memory_limit.cgroup else "pss"
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._tree: ProcessTree
        self._memory: MemorySample
        self._cpu_percent = self._cpu_used = self._cpu_at = 0.0
        self._cpu_mark = HighWaterMark(directory / "cpu_seconds") if directory else None
        self._started = time.monotonic()

    @property
    def memory(self) -> MemorySample:
        """The latest sample of memory."""
        self._ensure_process()
        return self._memory

    @property
    def cpu_percent(self) -> float:
        """CPU use over the last sampling period, as psutil tells it: 100 is one core."""
        self._ensure_process()
        return self._cpu_percent

    @property
    def uptime_seconds(self) -> float:
        """Time since the service's first process started, whichever process is asked."""
        self._ensure_process()
        return time.monotonic() - self._started

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process tree has used; it never decreases.

        Each worker reads its own clock exactly and those of the others in ticks of 10 ms, so that
        what one of them told is a bound for the next.
        """
        self._ensure_process()
        used = self._tree.cpu_seconds()
        return used if self._cpu_mark is None else self._cpu_mark.raise_to(used)

    def sample(self) -> None:
        """Take one sample of memory and of CPU use since the sample before."""
        self._ensure_process()
        with self._lock:
            self._memory = self._measure_memory(exact=False)
            used, now = self._tree.cpu_seconds(), time.monotonic()
            elapsed = now - self._cpu_at
            if elapsed >= _SHORTEST_WINDOW_SECONDS:
                self._cpu_percent = 100.0 * (used - self._cpu_used) / elapsed
                self._cpu_used, self._cpu_at = used, now

    def measure_memory(self) -> MemorySample:
        """Measure memory exactly, now; the gauges show the result until the next measurement."""
        self._ensure_process()
        with self._lock:
            self._memory = self._measure_memory(exact=True)
            return self._memory

    def _ensure_process(self) -> None:
        """Start afresh in a forked process: another tree, and CPU use primed (else it reads 0)."""
        if self._pid == os.getpid():
            return
        # Here, in the background: psutil is a quarter of what starting would cost.
        from instrumentation.process_tree import ProcessTree, process_age_seconds, service_root_pid

        with self._lock:
            if self._pid == os.getpid():
                return
            root = service_root_pid()
            self._tree = ProcessTree(root)
            self._started = time.monotonic() - process_age_seconds(root)
            self._cpu_used, self._cpu_at = self._tree.cpu_seconds(), time.monotonic()
            self._cpu_percent = 0.0
            self._memory = self._measure_memory(exact=True)
            self._pid = os.getpid()

    def _measure_memory(self, *, exact: bool) -> MemorySample:
        group = self.memory_limit.cgroup
        if group is not None:
            used, rss = group.used_bytes(), self._tree.rss_bytes()
        else:
            tree = self._tree.memory(exact=exact)
            used, rss = tree.pss_bytes, tree.rss_bytes
        return MemorySample(
            used_bytes=used,
            rss_bytes=rss,
            percent=100.0 * used / self.memory_limit.limit_bytes,
            taken_at=time.monotonic(),
        )


class ResourceCollector(Collector):
    """Exposes the sampler's readings."""

    def __init__(self, sampler: ResourceSampler, *, prefix: str) -> None:
        self._sampler = sampler
        self._prefix = prefix

    def describe(self) -> list[Metric]:
        """Name the families without taking a reading, so that registration stays cheap."""
        return list(self._families(0.0, *[0.0] * 7))

    def collect(self) -> Iterator[Metric]:
        """Yield the latest readings."""
        sampler = self._sampler
        memory = sampler.memory
        return self._families(
            sampler.cpu_seconds(),
            sampler.cpu_percent,
            sampler.cpu_limit.cores,
            memory.rss_bytes / MEBIBYTE_BYTES,
            memory.percent,
            float(memory.used_bytes),
            float(sampler.memory_limit.limit_bytes),
            sampler.uptime_seconds,
        )

    def _families(self, cpu_seconds: float, *gauges: float) -> Iterator[Metric]:
        yield CounterMetricFamily(
            f"{self._prefix}_cpu_seconds_total",
            "CPU time used by the service's process tree.",
            value=cpu_seconds,
        )
        for (name, text), value in zip(_GAUGES, gauges, strict=True):
            yield GaugeMetricFamily(f"{self._prefix}_{name}", text, value=value)


_GAUGES = (
    ("cpu_percent", "CPU use over the last sampling period; 100 is one core. For people."),
    ("cpu_limit_cores", "Cores that the service may use: the smallest limit, in force."),
    ("memory_rss_mb", "Resident memory of the process tree in MiB, shared pages once a process."),
    ("memory_percent", "Memory used, as a percentage of the limit in force."),
    ("memory_used_bytes", "Memory that counts against the limit in force."),
    ("memory_limit_bytes", "Memory that the service may use: the smallest limit, in force."),
    ("uptime_seconds", "Time since this service instance started."),
)
