"""What the six endpoints answer, apart from any framework: environ in, status and bytes out.

The blueprint and the port of their own both serve these answers. A caller who may not read is
told why; the probes answer everybody, but to such a caller with the status and nothing else.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from instrumentation import health, summary
from instrumentation.access import Refusal
from instrumentation.recent_ring import WINDOWS_SECONDS
from instrumentation.sampling import MEBIBYTE_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from instrumentation.extension import Instrumentation

DEFAULT_URL_PREFIX = "/api/metrics"

LOST_RECORDS = "log_records_lost_total"
"""Counts log records that were lost, after the metrics' prefix; unknown where nobody counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One response, `Content-Length` excepted."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def header_list(self) -> list[tuple[str, str]]:
        """Return all headers. No answer may be kept by a cache: each is true for a moment."""
        return [
            ("Content-Type", self.content_type),
            ("Cache-Control", "no-store"),
            *self.headers.items(),
        ]


_Endpoint: TypeAlias = Callable[["Instrumentation", "WSGIEnvironment"], Answer]


def answer(one: "Instrumentation", name: str, environ: "WSGIEnvironment") -> Answer:
    """Answer the endpoint of that name, one of `NAMES`."""
    refusal = one.access.refusal(
        remote_address=_peer(environ),
        authorization=environ.get("HTTP_AUTHORIZATION", ""),
    )
    if name in _PROBES:
        body, status = _PROBES[name](one)
        return _health(body if refusal is None else {"status": body["status"]}, status)
    if refusal is not None:
        return _refused(refusal)
    return _READERS[name](one, environ)


def _peer(environ: "WSGIEnvironment") -> str:
    """Return the peer's own address, also where ProxyFix put a header's word in its place."""
    before_proxy_fix = environ.get("werkzeug.proxy_fix.orig", environ)
    return str(before_proxy_fix.get("REMOTE_ADDR", ""))


def _health_body(one: "Instrumentation") -> tuple[dict[str, Any], int]:
    body = {
        "status": "pass",
        "serviceId": one.app.name,
        "uptime_seconds": one.sampler.uptime_seconds,
    }
    if one.settings.service_version is not None:
        body["version"] = one.settings.service_version
    return body, 200


def _live_body(_one: "Instrumentation") -> tuple[dict[str, Any], int]:
    return {"status": "pass"}, 200


def _ready_body(one: "Instrumentation") -> tuple[dict[str, Any], int]:
    return one.readiness.answer()


def _prometheus(one: "Instrumentation", environ: "WSGIEnvironment") -> Answer:
    exposed = one.exposition.respond(
        environ.get("HTTP_ACCEPT", ""), environ.get("HTTP_ACCEPT_ENCODING", "")
    )
    headers = dict(exposed.headers)
    content_type = headers.pop("Content-Type")
    return Answer(status=200, body=exposed.body, content_type=content_type, headers=headers)


def _errors(one: "Instrumentation", _environ: "WSGIEnvironment") -> Answer:
    recent, now = one.recent.recent(), one.recent.now
    windows = {}
    for name, seconds in WINDOWS_SECONDS.items():
        rate = recent.over(seconds, now=now)
        windows[name] = {
            "seconds": rate.seconds,
            "requests": rate.requests,
            "errors": rate.errors,
            "error_ratio": rate.error_ratio,
            "errors_per_second": rate.errors_per_second,
        }
    samples = summary.by_name(one.exposition.families())
    return _json(
        {
            "windows": windows,
            "since_start": [
                {"type": kind, "endpoint": endpoint, "count": count}
                for kind, endpoint, count in summary.errors_by_type(samples, prefix=one.prefix)
            ],
            "last": [
                {**asdict(error), "time": health.timestamp(error.timestamp_seconds)}
                for error in recent.errors
            ],
        }
    )


def _summary(one: "Instrumentation", _environ: "WSGIEnvironment") -> Answer:
    settings, prefix, now = one.settings, one.prefix, time.time()
    samples = summary.by_name(one.exposition.families())
    by_status = summary.by_status(samples, prefix=prefix)
    latency = summary.latency(samples, prefix=prefix)
    return _json(
        {
            "service": settings.service_name or one.app.name,
            "instance": one.faults.instance,
            "version": settings.service_version,
            "revision": settings.service_revision,
            "environment": settings.environment,
            "workers": summary.single(samples, f"{prefix}_workers"),
            "prefix": prefix,
            "uptime_seconds": one.sampler.uptime_seconds,
            "readiness": _readiness(one),
            **_resources(one),
            "requests": {
                "total": sum(by_status.values()),
                "errors": sum(
                    count for _, _, count in summary.errors_by_type(samples, prefix=prefix)
                ),
                "by_status": by_status,
            },
            "latency_ms": {
                "count": latency.count,
                "mean": latency.mean_ms,
                "p50": latency.p50_ms,
                "p95": latency.p95_ms,
                "p99": latency.p99_ms,
            },
            "log": {"records_lost": summary.single(samples, f"{prefix}_{LOST_RECORDS}")},
            "fault_injection": _faults(one, samples),
            "last_success": {
                what: {"at": last.timestamp_seconds, "age_seconds": last.age_seconds}
                for what, last in summary.last_successes(samples, prefix=prefix, now=now).items()
            },
            "background": {
                name: {
                    "failures": state.failures,
                    "last_success_timestamp_seconds": state.last_success.timestamp_seconds,
                    "age_seconds": state.last_success.age_seconds,
                }
                for name, state in summary.tasks(samples, prefix=prefix, now=now).items()
            },
        }
    )


def _readiness(one: "Instrumentation") -> dict[str, Any]:
    """What this process knows of its checks; a summary must not be what runs them."""
    known = one.readiness.known()
    results = [result for result in known.values() if result is not None]
    status = "fail" if one.readiness.draining else health.worst(results)
    return {
        "status": status if len(results) == len(known) or status == "fail" else "unknown",
        "draining": one.readiness.draining,
        "checks": {
            name: None if result is None else {"status": result.status, "time": result.time}
            for name, result in known.items()
        },
    }


def _faults(one: "Instrumentation", samples: summary.Samples) -> dict[str, Any]:
    faults, prefix = one.faults, one.prefix
    unset = "off: INSTRUMENT_FAULT_SECRET_FILE names no secret"
    return {
        "enabled": faults.enabled,
        "why_not": None if faults.enabled else faults.refused or unset,
        "instance": faults.instance,
        "applied": summary.totals(samples, f"{prefix}_faults_total", "fault"),
        "rejected": summary.totals(samples, f"{prefix}_faults_rejected_total", "reason"),
        "memory_held_bytes": summary.single(samples, f"{prefix}_fault_memory_held_bytes") or 0,
    }


def _resources(one: "Instrumentation") -> dict[str, Any]:
    sampler = one.sampler
    memory = sampler.memory
    return {
        "limits": {
            "memory": {
                "bytes": sampler.memory_limit.limit_bytes,
                "in_force": sampler.memory_limit.source,
                "considered": dict(sampler.memory_limit.considered),
            },
            "cpu": {
                "cores": sampler.cpu_limit.cores,
                "in_force": sampler.cpu_limit.source,
                "considered": dict(sampler.cpu_limit.considered),
            },
        },
        "memory": {
            "used_bytes": memory.used_bytes,
            "percent": memory.percent,
            "rss_mb": memory.rss_bytes / MEBIBYTE_BYTES,
            "measured_as": sampler.measured_as,
        },
        "cpu": {"percent": sampler.cpu_percent, "seconds_total": sampler.cpu_seconds()},
    }


def _refused(refusal: Refusal) -> Answer:
    if refusal is Refusal.NETWORK:
        return plain(403, "INSTRUMENT_METRICS_ALLOW does not hold your address")
    return plain(
        401,
        "expected the header Authorization: Bearer TOKEN",
        {"WWW-Authenticate": 'Bearer realm="metrics"'},
    )


def _json(body: object, status: int = 200, content_type: str = "application/json") -> Answer:
    return Answer(status=status, body=json.dumps(body).encode() + b"\n", content_type=content_type)


def _health(body: dict[str, Any], status: int) -> Answer:
    return _json(body, status, health.CONTENT_TYPE)


def plain(status: int, text: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer of one line."""
    return Answer(
        status=status,
        body=f"{text}\n".encode(),
        content_type="text/plain; charset=utf-8",
        headers=headers or {},
    )


_PROBES: Mapping[str, Callable[["Instrumentation"], tuple[dict[str, Any], int]]] = {
    "health": _health_body,
    "live": _live_body,
    "ready": _ready_body,
}
_READERS: Mapping[str, _Endpoint] = {
    "prometheus": _prometheus,
    "errors": _errors,
    "summary": _summary,
}

NAMES = (*_PROBES, *_READERS)
