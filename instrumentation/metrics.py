"""The six endpoints under `/api/metrics/`; each reads what is already known and computes little."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, request

from instrumentation.error_rates import WINDOWS_SECONDS
from instrumentation.extension import EXTENSION, Instrumentation
from instrumentation.health import CONTENT_TYPE, ready_body
from instrumentation.request_metrics import BLUEPRINT_NAME
from instrumentation.sampling import MEBIBYTE_BYTES
from instrumentation.settings import InstrumentSettings

metrics_bp = Blueprint(BLUEPRINT_NAME, __name__, url_prefix="/api/metrics")


def register_metrics_middleware(
    app: Flask,
    prefix: str = "softfactory",
    *,
    settings: InstrumentSettings | None = None,
    constant_labels: Mapping[str, str] | None = None,
) -> Instrumentation:
    """Count the application's requests and sample its resources; metrics start with `prefix`.

    `settings` defaults to the environment's. Raises SettingsError, and RuntimeError at a second
    call for the same application.
    """
    return Instrumentation(
        app,
        settings=settings or InstrumentSettings.from_env(),
        prefix=prefix,
        constant_labels=constant_labels,
    )


@metrics_bp.get("/health")
def health() -> Response:
    """Say that the process answers, with its name and uptime. No I/O."""
    uptime = _instrumentation().sampler.uptime_seconds
    return _health({"status": "pass", "serviceId": current_app.name, "uptime_seconds": uptime})


@metrics_bp.get("/live")
def live() -> Response:
    """Say that the process answers, and nothing else. No I/O."""
    return _health({"status": "pass"})


@metrics_bp.get("/ready")
def ready() -> Response:
    """Run the registered checks: 200 when traffic may come, 503 when a critical one failed."""
    body, status = ready_body(_instrumentation().readiness.results())
    return _health(body, status)


@metrics_bp.get("/prometheus")
def prometheus() -> Response:
    """Expose the metrics as OpenMetrics or in Prometheus' text format, as the client asks."""
    exposed = _instrumentation().exposition.respond(
        request.headers.get("Accept", ""), request.headers.get("Accept-Encoding", "")
    )
    return Response(exposed.body, headers=dict(exposed.headers))


@metrics_bp.get("/errors")
def errors() -> Response:
    """Give error rates over 1, 5 and 15 minutes, and the errors since the start by type."""
    one = _instrumentation()
    requests = one.requests
    windows = {}
    for name, seconds in WINDOWS_SECONDS.items():
        rate = one.rates.over(seconds)
        windows[name] = {
            "seconds": rate.seconds,
            "requests": rate.requests,
            "errors": rate.errors,
            "error_ratio": rate.error_ratio,
            "errors_per_second": rate.errors_per_second,
        }
    since_start = [
        {"type": kind, "endpoint": endpoint, "count": count}
        for kind, endpoint, count in requests.errors_by_type()
    ]
    return jsonify(windows=windows, since_start=since_start)


@metrics_bp.get("/summary")
def summary() -> Response:
    """Give people the whole picture: limits in force, use, requests, latency, faults, tasks."""
    one = _instrumentation()
    by_status = one.requests.by_status()
    latency = one.requests.latency()
    return jsonify(
        service=current_app.name,
        prefix=one.prefix,
        uptime_seconds=one.sampler.uptime_seconds,
        **_resources(one),
        requests={
            "total": sum(by_status.values()),
            "errors": sum(count for _, _, count in one.requests.errors_by_type()),
            "by_status": by_status,
        },
        latency_ms={
            "count": latency.count,
            "mean": latency.mean_ms,
            "p50": latency.p50_ms,
            "p95": latency.p95_ms,
            "p99": latency.p99_ms,
        },
        fault_injection={
            "enabled": one.faults.enabled,
            "applied": one.faults.applied(),
            "memory_held_bytes": one.faults.holding.held_bytes,
        },
        background={
            name: {
                "failures": state.failures,
                "last_success_timestamp_seconds": state.last_success_timestamp_seconds,
            }
            for name, state in one.tasks.states().items()
        },
    )


def _resources(one: Instrumentation) -> dict[str, Any]:
    memory, memory_limit, cpu_limit = (
        one.sampler.memory,
        one.sampler.memory_limit,
        one.sampler.cpu_limit,
    )
    return {
        "limits": {
            "memory": {
                "bytes": memory_limit.limit_bytes,
                "in_force": memory_limit.source,
                "considered": dict(memory_limit.considered),
            },
            "cpu": {
                "cores": cpu_limit.cores,
                "in_force": cpu_limit.source,
                "considered": dict(cpu_limit.considered),
            },
        },
        "memory": {
            "used_bytes": memory.used_bytes,
            "percent": memory.percent,
            "rss_mb": memory.rss_bytes / MEBIBYTE_BYTES,
            "measured_as": one.sampler.measured_as,
        },
        "cpu": {
            "percent": one.sampler.cpu_percent,
            "seconds_total": one.sampler.cpu_seconds(),
        },
    }


def _health(body: dict[str, Any], status: int = 200) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.content_type = CONTENT_TYPE
    response.headers["Cache-Control"] = "no-store"
    return response


def _instrumentation() -> Instrumentation:
    one = current_app.extensions.get(EXTENSION)
    if not isinstance(one, Instrumentation):
        raise RuntimeError(
            f"metrics_bp is registered on {current_app.name}, but its metrics are not: call "
            "register_metrics_middleware(app), or instrument(app) instead of both"
        )
    return one
