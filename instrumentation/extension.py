"""One object an application: it owns the registry and everything that observes the service."""

import functools
import os
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from flask import Flask
from prometheus_client import Counter, Gauge

from instrumentation.access import Access
from instrumentation.background import BackgroundTasks
from instrumentation.build_info import register_build_info
from instrumentation.clock import ClockCollector
from instrumentation.disks import LOGS, Disks, folder_of_file
from instrumentation.edge import request_edge
from instrumentation.exemplars import Exemplars
from instrumentation.exposition import Exposition
from instrumentation.faults.switch import FaultSwitch
from instrumentation.health import Readiness
from instrumentation.limits import cpu_limit, memory_limit
from instrumentation.log_counts import LEVELS, REASONS, log_counts
from instrumentation.log_handler import app_log, flush_logs
from instrumentation.log_redaction import Redactor
from instrumentation.logging_config import keep_log
from instrumentation.ready_gauge import ReadyGauge
from instrumentation.recent import RecentErrors
from instrumentation.registry import ServiceRegistry
from instrumentation.request_metrics import RequestMetrics
from instrumentation.sampling import ResourceCollector, ResourceSampler
from instrumentation.settings import InstrumentSettings
from instrumentation.workers import bury_strays, fill_holes, reading, shared_directory

if TYPE_CHECKING:
    from instrumentation.own_port import OwnPort

EXTENSION = "instrumentation"

_MADE: "weakref.WeakSet[Instrumentation]" = weakref.WeakSet()

CheckT = TypeVar("CheckT", bound=Callable[[], object])


class Instrumentation:
    """What observes one application; `app.extensions["instrumentation"]` holds it.

    Made by `instrument` or `register_metrics_middleware`. Metrics of the application's own belong
    into `registry`, with `prefix` before their names.
    """

    def __init__(
        self,
        app: Flask,
        *,
        settings: InstrumentSettings,
        prefix: str,
        constant_labels: Mapping[str, str] | None = None,
    ) -> None:
        if EXTENSION in app.extensions:
            raise RuntimeError(f"{app.name} is instrumented already")
        self.app = app
        self.settings = settings
        self.prefix = prefix
        self.directory = shared_directory()
        self.registry = ServiceRegistry(self.directory)
        exemplars = Exemplars(settings.latency_buckets_ms, self.directory, name=prefix)
        self.exposition = Exposition(
            self.registry,
            constant_labels={**(settings.constant_labels or {}), **(constant_labels or {})},
            exemplars={f"{prefix}_request_latency_ms": exemplars},
        )
        self.access = Access.from_settings(settings)
        self.own_port = self._own_port()
        self.readiness = Readiness(app, redact=Redactor(settings.log_redact).text)
        self.tasks = BackgroundTasks(app, registry=self.registry, prefix=prefix)
        self._starting = threading.Lock()
        self._prepared_pid: int | None = None
        self._started_pid: int | None = None
        self._facts: list[Callable[[], object]] = []
        up = Gauge(
            f"{prefix}_up",
            "1 while the service can answer at all.",
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        workers = Gauge(
            f"{prefix}_workers",
            "Worker processes that are alive and serve the application.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        build = register_build_info(self.registry, prefix, settings)
        for gauge in (up, build):
            self.state_in_each_process(functools.partial(gauge.set, 1))
        self._facts.append(
            functools.partial(workers.set, 1)
        )  # a program that serves nothing is none
        self._count_log_records()
        self.disks = self._watch_disks()
        self._watch_certificates()
        ready = ReadyGauge(self.readiness, registry=self.registry, prefix=prefix)
        self.state_in_each_process(ready.tell_known)
        self.tasks.add("readiness", ready.refresh, settings.sample_seconds, in_context=False)
        self.registry.register(ClockCollector(prefix=prefix))
        self.sampler = ResourceSampler(
            memory_limit=memory_limit(settings.memory_limit_bytes),
            cpu_limit=cpu_limit(settings.cpu_limit_cores),
            directory=self.directory,
        )
        self.registry.register(ResourceCollector(self.sampler, prefix=prefix))
        self.recent = RecentErrors(
            self.directory,
            name=prefix,
            reading=functools.partial(reading, self.directory) if self.directory else nullcontext,
        )
        self.requests = RequestMetrics(
            app,
            registry=self.registry,
            prefix=prefix,
            latency_buckets_ms=settings.latency_buckets_ms,
            size_buckets_bytes=settings.size_buckets_bytes,
            exemplars=exemplars,
            note=self.recent.add,
        )
        self.faults = FaultSwitch(
            app,
            settings=settings,
            sampler=self.sampler,
            registry=self.registry,
            prefix=prefix,
            directory=self.directory,
        )
        self.state_in_each_process(self.faults.tell_enabled)
        edge = request_edge(app)

        def look_after() -> None:
            edge.report_abandoned()
            if self.directory is not None:
                fill_holes(self.directory)
                bury_strays(self.directory)
            self.sampler.sample()

        self.tasks.add("resources", look_after, settings.sample_seconds, in_context=False)
        edge.before_each(self._before_request)
        edge.measure(self.requests)
        app.extensions[EXTENSION] = self
        _MADE.add(self)

    def _own_port(self) -> "OwnPort | None":
        if self.settings.metrics_bind is None:
            return None
        # Here: a server for a port that nobody asked for should not cost a start.
        from instrumentation.endpoints_wsgi import EndpointsApplication
        from instrumentation.own_port import OwnPort

        return OwnPort(self.settings.metrics_bind, EndpointsApplication(self.app, self))

    def _watch_disks(self) -> Disks:
        disks = Disks(prefix=self.prefix)
        self.registry.register(disks)

        def folder_of_log() -> Path | None:
            log = app_log(self.app)
            return None if log is None else folder_of_file(log.file.log_file.path)

        disks.add(LOGS, folder_of_log)
        self.tasks.add("disks", disks.measure, self.settings.sample_seconds, in_context=False)
        return disks

    def _watch_certificates(self) -> None:
        if not self.settings.certificate_files:
            return
        from instrumentation.certificates import Certificates  # for those who have some

        certificates = Certificates(self.settings.certificate_files, prefix=self.prefix)
        self.registry.register(certificates)
        self.tasks.add(
            "certificates", certificates.read, self.settings.sample_seconds, in_context=False
        )

    def _count_log_records(self) -> None:
        made = Counter(
            f"{self.prefix}_log_records_total",
            "Log records made, by level.",
            ["level"],
            registry=self.registry,
        )
        lost = Counter(
            f"{self.prefix}_log_records_lost_total",
            "Log records that are not in the log, by the reason for it.",
            ["reason"],
            registry=self.registry,
        )
        by_level = {level: made.labels(level).inc for level in LEVELS}
        by_reason = {reason: lost.labels(reason).inc for reason in REASONS}
        log_counts(self.app).bind(
            lambda level, number: by_level[level](number),
            lambda reason, number: by_reason[reason](number),
        )

    def background(self, name: str, function: Callable[[], object], every_seconds: float) -> None:
        """Run `function` in a thread: at once when this process serves, then at that pace.

        It runs in the application's context. A run that raises is counted in
        `<prefix>_background_failures_total{task}`; one that returns sets
        `<prefix>_background_last_success_timestamp_seconds{task}`. Raises ValueError.
        """
        self.tasks.add(name, function, every_seconds)

    def ready_check(
        self,
        name: str,
        timeout_seconds: float = 2.0,
        *,
        critical: bool = True,
        component_type: str = "component",
        component_id: str | None = None,
    ) -> Callable[[CheckT], CheckT]:
        """Register the decorated function as a readiness check: it returns, or raises.

        It runs in a thread, in the application's context. No answer in time is a failure; the
        failure of a check that is not critical is a warning. Raises ValueError.
        """

        def register(function: CheckT) -> CheckT:
            self.readiness.add(
                name,
                function,
                timeout_seconds=timeout_seconds,
                critical=critical,
                component_type=component_type,
                component_id=component_id,
            )
            return function

        return register

    def state_in_each_process(self, tell: Callable[[], object]) -> None:
        """Have `tell` set a gauge now, and again where serving starts: a fork puts gauges to 0."""
        self._facts.append(tell)
        tell()

    def served_by(self, threads: int) -> None:
        """Say how many threads of this process serve requests, where that is known.

        `<prefix>_request_capacity` tells it, and faults leave some of them free.
        """
        self.requests.served_by(threads)
        self.faults.served_by(threads)

    def start(self) -> None:
        """Start the background work in this process, unless it runs here already.

        The first request does this, except of an application that is TESTING: there may be many
        of those in one process. A server's worker hook may, so that no request pays for it.
        """
        if self._started_pid == os.getpid():
            return
        with self._starting:
            if self._started_pid == os.getpid():
                return
            self._prepare()
            self.tasks.start()
            if self.own_port is not None:
                self.own_port.start()
            self._started_pid = os.getpid()

    def _before_request(self) -> None:
        if self._started_pid == os.getpid():
            return
        if not self.app.testing:
            self.start()
            return
        with self._starting:
            self._prepare()

    def _prepare(self) -> None:
        """Make what the first request must find, in this process."""
        if self._prepared_pid == os.getpid():
            return
        for tell in self._facts:
            tell()
        self.requests.prime()
        keep_log(self.app)
        if self.directory is not None:
            fill_holes(self.directory)
        self._prepared_pid = os.getpid()

    def stop(self) -> None:
        """End for good what runs in this process, as a test needs that makes many applications.

        Requests are counted on; engines that are watched have a `stop` of their own.
        """
        self.tasks.stop()
        if self.own_port is not None:
            self.own_port.stop()
        self.faults.end_all()

    def flush(self) -> None:
        """Wait until what was logged is written, as a process does that is about to end."""
        flush_logs(self.app)


def made_in_this_process() -> list[Instrumentation]:
    """Return what observes the applications of this process, however they are wrapped."""
    return list(_MADE)
