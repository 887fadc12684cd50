"""An application's registry: its own metrics, summed over all workers where there are several.

The client library's files know metrics by name alone, so that in several workers a name may be
used once a process; in one process each application's registry is its own.
"""

import functools
import threading
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import TypeGuard

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector

from instrumentation.workers import reading

_IN_FILES: "weakref.WeakSet[ServiceRegistry]" = weakref.WeakSet()


class ServiceRegistry(CollectorRegistry):
    """A registry whose `collect` gives the whole service; `directory` is that of its workers."""

    def __init__(self, directory: Path | None) -> None:
        super().__init__()
        self.directory = directory
        self._families: set[str] = set()
        self._collectors: list[Collector] = []
        self._reading = threading.Lock()
        if directory is not None:
            from instrumentation.worker_files import WorkerFiles  # of no use to one process

            self._files = WorkerFiles(directory)
            _IN_FILES.add(self)

    def register(self, collector: Collector) -> None:
        """Add a collector.

        Raises ValueError for a name in use, in several workers also by another application.
        """
        if self.directory is not None and isinstance(collector, MetricWrapperBase):
            names = {metric.name for metric in collector.describe()}
            for other in _IN_FILES:
                if other is self:
                    continue  # the library itself says what is wrong
                if clash := names & other._families:
                    raise ValueError(
                        f"two applications in one process have a metric {min(clash)}, which "
                        "several workers can't tell apart: give one of them another prefix"
                    )
            super().register(collector)
            self._families |= names
        else:
            super().register(collector)
            self._collectors.append(collector)

    def unregister(self, collector: Collector) -> None:
        """Remove a collector."""
        super().unregister(collector)
        if collector in self._collectors:
            self._collectors.remove(collector)
        elif isinstance(collector, MetricWrapperBase):
            self._families -= {metric.name for metric in collector.describe()}

    def collect(self) -> Iterable[Metric]:
        """Yield the families, of this process or summed over all workers."""
        if self.directory is None:
            yield from super().collect()
            return
        with self._reading, reading(self.directory):
            metrics = self._files.collect(self._families)
        yield from metrics
        for collector in tuple(self._collectors):
            yield from collector.collect()


def sources(registry: CollectorRegistry) -> Iterable[MetricWrapperBase | Metric]:
    """Return what a registry exposes: this process's own metrics themselves, all else collected."""
    if not isinstance(registry, ServiceRegistry) or registry.directory is not None:
        yield from registry.collect()
        return
    with registry._lock:
        collectors = list(registry._collector_to_names)
    for collector in collectors:
        if _is_metric(collector):
            yield collector
        else:
            yield from collector.collect()


def _is_metric(collector: Collector) -> TypeGuard[MetricWrapperBase]:
    """Tell whether it is a metric of the client library's own kinds, once for each of its classes.

    The client's base class is a protocol, of which `isinstance` would look for the methods.
    """
    return _is_metric_class(type(collector))


@functools.cache
def _is_metric_class(kind: type) -> bool:
    return issubclass(kind, MetricWrapperBase)
