"""One object an application: it owns the registry and everything that observes the service."""

import os
from collections.abc import Callable
from typing import TypeVar

from flask import Flask
from prometheus_client import CollectorRegistry, Gauge

from instrumentation.background import BackgroundTasks
from instrumentation.edge import request_edge
from instrumentation.exposition import Exposition
from instrumentation.faults.injector import FaultInjector
from instrumentation.faults.memory import MemoryHolding
from instrumentation.health import Readiness
from instrumentation.limits import cpu_limit, memory_limit
from instrumentation.request_metrics import RequestMetrics
from instrumentation.sampling import ResourceCollector, ResourceSampler
from instrumentation.settings import InstrumentSettings, SettingsError

EXTENSION = "instrumentation"

CheckT = TypeVar("CheckT", bound=Callable[[], object])


class Instrumentation:
    """What observes one application; `app.extensions["instrumentation"]` holds it.

    Made by `instrument` or `register_metrics_middleware`. Metrics of the application's own belong
    into `registry`, with `prefix` before their names.
    """

    def __init__(self, app: Flask, *, settings: InstrumentSettings, prefix: str) -> None:
        self._refuse_what_cannot_work(app)
        self.settings = settings
        self.prefix = prefix
        self.registry = CollectorRegistry()
        self.exposition = Exposition(self.registry)
        self.readiness = Readiness(app)
        self.tasks = BackgroundTasks(app, registry=self.registry, prefix=prefix)
        Gauge(f"{prefix}_up", "1 while the service can answer at all.", registry=self.registry).set(
            1
        )
        self.sampler = ResourceSampler(
            memory_limit=memory_limit(settings.memory_limit_bytes),
            cpu_limit=cpu_limit(settings.cpu_limit_cores),
        )
        self.registry.register(ResourceCollector(self.sampler, prefix=prefix))
        self.requests = RequestMetrics(
            app,
            registry=self.registry,
            prefix=prefix,
            latency_buckets_ms=settings.latency_buckets_ms,
        )
        self.faults = FaultInjector(
            app,
            secret=settings.fault_secret(),
            holding=MemoryHolding(
                limit=self.sampler.memory_limit,
                measure=self.sampler.measure_memory,
                latest=lambda: self.sampler.memory,
            ),
            registry=self.registry,
            prefix=prefix,
        )
        self.tasks.add("resources", self.sampler.sample, settings.sample_seconds)
        edge = request_edge(app)
        edge.before_each(self.start)
        edge.observe(self.requests.observe)
        app.extensions[EXTENSION] = self

    def background(self, name: str, function: Callable[[], object], every_seconds: float) -> None:
        """Run `function` in a thread: at once when this process serves, then at that pace.

        It runs in the application's context. A run that raises is counted in
        `<prefix>_background_failures_total{task}`; one that returns sets
        `<prefix>_background_last_success_timestamp_seconds{task}`. Raises ValueError.
        """
        self.tasks.add(name, function, every_seconds)

    def ready_check(
        self, name: str, timeout_seconds: float = 2.0, *, critical: bool = True
    ) -> Callable[[CheckT], CheckT]:
        """Register the decorated function as a readiness check: it returns, or raises.

        It runs in a thread, in the application's context. No answer in time is a failure; the
        failure of a check that is not critical is a warning. Raises ValueError.
        """

        def register(function: CheckT) -> CheckT:
            self.readiness.add(name, function, timeout_seconds=timeout_seconds, critical=critical)
            return function

        return register

    def start(self) -> None:
        """Start the background work in this process, unless it runs here already.

        The first request does this; a server's worker hook may, so that no request pays for it.
        """
        self.requests.prime()
        self.tasks.start()

    @staticmethod
    def _refuse_what_cannot_work(app: Flask) -> None:
        if EXTENSION in app.extensions:
            raise RuntimeError(f"{app.name} is instrumented already")
        for name in ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"):
            if name in os.environ:
                raise SettingsError(
                    f"{name} is set, but metrics are kept in one process: unset it and serve with "
                    "one worker process of many threads"
                )
