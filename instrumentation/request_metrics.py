"""Request counters whose every known series exists at zero before the first request is counted.

`increase()` cannot see a series that is born with its first error, so the children of all known
routes are made at once; and labels come from route templates and fixed words only, so that no
client decides how many series there are.
"""

import threading
from dataclasses import dataclass
from http import HTTPMethod

from flask import Flask
from prometheus_client import CollectorRegistry, Counter, Histogram

from instrumentation.edge import FinishedRequest
from instrumentation.error_rates import ErrorRates

UNMATCHED = "unmatched"
OTHER_METHOD = "other"
METHODS = frozenset(HTTPMethod)
BLUEPRINT_NAME = "instrumentation_metrics"

_IMPLIED_METHODS = frozenset({"HEAD", "OPTIONS"})  # Flask adds them; nobody's objective is theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Latency of all counted requests in milliseconds; None where there was none.

    Quantiles are upper edges of histogram buckets; infinity is given as the last finite edge.
    """

    count: int
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class RequestMetrics:
    """Counts finished requests, the `/api/metrics/` endpoints excepted."""

    def __init__(
        self,
        app: Flask,
        *,
        registry: CollectorRegistry,
        prefix: str,
        latency_buckets_ms: tuple[float, ...],
        rates: ErrorRates | None = None,
    ) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._primed = False
        self._buckets_ms = latency_buckets_ms
        self.rates = rates or ErrorRates()
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
        self._latency = Histogram(
            f"{prefix}_request_latency_ms",
            "Time until the response was finished, in milliseconds.",
            ["method", "endpoint"],
            buckets=latency_buckets_ms,
            registry=registry,
        )

    def prime(self) -> None:
        """Make the series of all known routes, at zero. Cheap from the second call on.

        Called at the first request, when Flask accepts no further routes.
        """
        if self._primed:
            return
        with self._lock:
            if self._primed:
                return
            for rule in self._app.url_map.iter_rules():
                if is_metrics_endpoint(rule.endpoint):
                    continue
                self._errors.labels("http_500", rule.rule)
                for method in (rule.methods or set()) - _IMPLIED_METHODS:
                    self._requests.labels(method, rule.rule, "200")
                    self._requests.labels(method, rule.rule, "500")
                    self._latency.labels(method, rule.rule)
            self._requests.labels("GET", UNMATCHED, "404")
            self._requests.labels("GET", UNMATCHED, "500")
            self._errors.labels("http_500", UNMATCHED)
            self._primed = True

    def observe(self, finished: FinishedRequest) -> None:
        """Count one finished request."""
        if finished.endpoint is not None and is_metrics_endpoint(finished.endpoint):
            return
        method = finished.method if finished.method in METHODS else OTHER_METHOD
        endpoint = finished.rule or UNMATCHED
        failed = finished.status >= 500 or finished.error_type is not None
        self._requests.labels(method, endpoint, str(finished.status)).inc()
        self._latency.labels(method, endpoint).observe(finished.latency_ms)
        if failed:
            kind = finished.error_type or f"http_{finished.status}"
            self._errors.labels(kind, endpoint).inc()
        self.rates.add(failed=failed)

    def by_status(self) -> dict[str, int]:
        """Return how many requests were answered with each status since the start."""
        counts: dict[str, int] = {}
        for labels, value in _counts(self._requests):
            if value:
                counts[labels["status"]] = counts.get(labels["status"], 0) + int(value)
        return dict(sorted(counts.items()))

    def errors_by_type(self) -> list[tuple[str, str, int]]:
        """Return (type, endpoint, count) of all errors since the start."""
        return sorted(
            (labels["type"], labels["endpoint"], int(value))
            for labels, value in _counts(self._errors)
            if value
        )

    def latency(self) -> Latency:
        """Return the latency over all counted requests since the start."""
        cumulative: dict[float, float] = {}
        total_ms = 0.0
        for metric in self._latency.collect():
            for sample in metric.samples:
                if sample.name.endswith("_bucket"):
                    edge = float(sample.labels["le"])
                    cumulative[edge] = cumulative.get(edge, 0.0) + sample.value
                elif sample.name.endswith("_sum"):
                    total_ms += sample.value
        count = int(cumulative.get(float("inf"), 0.0))
        if not count:
            return Latency(count=0, mean_ms=None, p50_ms=None, p95_ms=None, p99_ms=None)

        def quantile(share: float) -> float:
            reached = (edge for edge in self._buckets_ms if cumulative[edge] >= share * count)
            return next(reached, self._buckets_ms[-1])

        return Latency(
            count=count,
            mean_ms=total_ms / count,
            p50_ms=quantile(0.50),
            p95_ms=quantile(0.95),
            p99_ms=quantile(0.99),
        )


def is_metrics_endpoint(endpoint: str) -> bool:
    """Tell whether a Flask endpoint is one of the instrumentation's own."""
    return BLUEPRINT_NAME in endpoint.split(".")[:-1]


def _counts(counter: Counter) -> list[tuple[dict[str, str], float]]:
    return [
        (sample.labels, sample.value)
        for metric in counter.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    ]
