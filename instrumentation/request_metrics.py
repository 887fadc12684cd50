"""Request counters whose every known series exists at zero before the first request is counted.

`increase()` cannot see a series that is born with its first error, so the children of all known
routes are made at once; and labels come from route templates and fixed words only, so that no
client decides how many series there are.
"""

import threading
from collections.abc import Callable

from flask import Flask
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from instrumentation.correlation import RequestState
from instrumentation.exemplars import Exemplars
from instrumentation.recent import METHODS, OTHER_METHOD

UNMATCHED = "unmatched"
BLUEPRINT_NAME = "instrumentation_metrics"
MOST_ERROR_TYPES = 100
"""A program that makes exception classes as it runs must not make series without end."""

_IMPLIED_METHODS = frozenset({"HEAD", "OPTIONS"})  # Flask adds them; nobody's objective is theirs

Note = Callable[[RequestState], object]


class RequestMetrics:
    """Measures requests, those of the `/api/metrics/` endpoints excepted.

    `note` is called with each finished request that was measured.
    """

    def __init__(
        self,
        app: Flask,
        *,
        registry: CollectorRegistry,
        prefix: str,
        latency_buckets_ms: tuple[float, ...],
        size_buckets_bytes: tuple[float, ...],
        exemplars: Exemplars,
        note: Note,
    ) -> None:
        self._app = app
        self._registry = registry
        self._prefix = prefix
        self._capacity: Gauge | None = None
        self._lock = threading.Lock()
        self._own_paths: frozenset[str] = frozenset()
        self._exemplars = exemplars
        self._note = note
        self._error_types: set[str] = set()
        self._answered: dict[tuple[str, str | None, int | None], Callable[[], None]] = {}
        self._finished: dict[tuple[str, str | None], _Measures] = {}
        self._by_labels: dict[tuple[str, str], _Measures] = {}
        self._in_flight = Gauge(
            f"{prefix}_requests_in_flight",
            "Requests that have come in and are not finished.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._requests = Counter(
            f"{prefix}_requests_total",
            "Requests answered, with the status that the client saw.",
            ["method", "endpoint", "status"],
            registry=registry,
        )
        self._errors = Counter(
            f"{prefix}_errors_total",
            "Failed requests (5xx, or a body that broke off) by exception class or http_<status>.",
            ["type", "endpoint"],
            registry=registry,
        )
        self._cut_short = Counter(
            f"{prefix}_responses_cut_short_total",
            "Responses whose body the server did not read to its end: most clients were gone.",
            ["endpoint"],
            registry=registry,
        )
        self._latency = Histogram(
            f"{prefix}_request_latency_ms",
            "Time until the response was finished, in milliseconds.",
            ["method", "endpoint"],
            buckets=latency_buckets_ms,
            registry=registry,
        )
        self._size = Histogram(
            f"{prefix}_response_size_bytes",
            "Bytes of the response's body that were handed to the server.",
            ["method", "endpoint"],
            buckets=size_buckets_bytes,
            registry=registry,
        )

    def served_by(self, threads: int) -> None:
        """Say how many threads of this process serve, and so how many requests can be in flight.

        The gauge is made here: where nobody knows the number, a 0 would be a lie.
        """
        if self._capacity is None:
            self._capacity = Gauge(
                f"{self._prefix}_request_capacity",
                "Threads that serve requests, of all workers together.",
                registry=self._registry,
                multiprocess_mode="livesum",
            )
        self._capacity.set(threads)

    def prime(self) -> None:
        """Make the series of all known routes, at zero, and begin anew in a forked process.

        Called where a process begins to serve, when Flask accepts no further routes.
        """
        for kept in (self._answered, self._finished, self._by_labels):
            kept.clear()  # exemplars stand in memory of the process that asked for its place
        own = set()
        for rule in self._app.url_map.iter_rules():
            if is_metrics_endpoint(rule.endpoint):
                own.add(rule.rule)
                continue
            self._errors.labels("http_500", rule.rule)
            for method in (rule.methods or set()) - _IMPLIED_METHODS:
                self._requests.labels(method, rule.rule, "200")
                self._requests.labels(method, rule.rule, "500")
                self._measures(method, rule.rule)
        for status in ("404", "405", "500"):
            self._requests.labels(OTHER_METHOD, UNMATCHED, status)
        self._errors.labels("http_500", UNMATCHED)
        self._measures(OTHER_METHOD, UNMATCHED)
        self._own_paths = frozenset(own)

    def begun(self, state: RequestState) -> None:
        """Count the request as in flight."""
        path = state.path[len(state.mount) :] if state.mount else state.path
        if path not in self._own_paths:
            state.counted = True
            self._in_flight.inc()

    def answered(self, state: RequestState) -> None:
        """Count the request by its status."""
        if not state.counted:
            return
        key = (state.method, state.rule, state.status)
        count = self._answered.get(key)
        if count is None:
            count = self._requests.labels(*_labels(state), str(state.status)).inc
            if state.method in METHODS:  # a client must not decide how many are kept
                self._answered[key] = count
        count()

    def finished(self, state: RequestState) -> None:
        """Measure latency and size, and count the request as failed if it was."""
        if not state.counted:
            return
        self._in_flight.dec()
        latency_ms = state.latency_ms or 0.0
        measures = self._finished.get((state.method, state.rule))
        if measures is None:
            measures = self._measures(*_labels(state))
            if state.method in METHODS:
                self._finished[state.method, state.rule] = measures
        measures.latency(latency_ms)
        measures.size(state.response_bytes)
        measures.exemplar(latency_ms, state.trace_id)
        if state.cut_short:
            measures.cut_short()
        if state.failed:
            self._errors.labels(self._error_type(state), state.rule or UNMATCHED).inc()
        self._note(state)

    def _measures(self, method: str, endpoint: str) -> "_Measures":
        with self._lock:
            measures = self._by_labels.get((method, endpoint))
            if measures is None:
                measures = self._by_labels[method, endpoint] = _Measures(
                    self._latency.labels(method, endpoint).observe,
                    self._size.labels(method, endpoint).observe,
                    self._exemplars.of(method, endpoint),
                    self._cut_short.labels(endpoint).inc,
                )
            return measures

    def _error_type(self, state: RequestState) -> str:
        kind = state.error_type or f"http_{state.status}"
        if kind not in self._error_types:
            if len(self._error_types) >= MOST_ERROR_TYPES:
                return "other"
            self._error_types.add(kind)
        return kind


class _Measures:
    """What one method and route are measured with, looked up once a request."""

    __slots__ = ("cut_short", "exemplar", "latency", "size")

    def __init__(
        self,
        latency: Callable[[float], None],
        size: Callable[[float], None],
        exemplar: Callable[[float, str], None],
        cut_short: Callable[[], None],
    ) -> None:
        self.latency = latency
        self.size = size
        self.exemplar = exemplar
        self.cut_short = cut_short


def is_metrics_endpoint(endpoint: str) -> bool:
    """Tell whether a Flask endpoint is one of the instrumentation's own."""
    return BLUEPRINT_NAME in endpoint.split(".")[:-1]


def _labels(state: RequestState) -> tuple[str, str]:
    """Return method and endpoint; what matches no route has no method that is worth telling."""
    if state.rule is None:
        return OTHER_METHOD, UNMATCHED
    method = state.method.upper()  # as routes are matched
    return method if method in METHODS else OTHER_METHOD, state.rule
