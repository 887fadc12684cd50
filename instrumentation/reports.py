"""What `errors` and `summary` say of a service, for people and scripts: plain JSON values.

Loaded when somebody asks for the first time.
"""

import time
from typing import TYPE_CHECKING, Any

from instrumentation import health, summary
from instrumentation.recent_ring import WINDOWS_SECONDS
from instrumentation.sampling import MEBIBYTE_BYTES

if TYPE_CHECKING:
    from instrumentation.extension import Instrumentation

LOST_RECORDS = "log_records_lost_total"
"""Counts log records that were lost, after the metrics' prefix; unknown where nobody counts."""


def errors(one: "Instrumentation") -> dict[str, Any]:
    """Return error rates over each window, all errors by type, and the last ones."""
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
    return {
        "windows": windows,
        "since_start": [
            {"type": kind, "endpoint": endpoint, "count": count}
            for kind, endpoint, count in summary.errors_by_type(samples, prefix=one.prefix)
        ],
        "last": [
            {**error._asdict(), "time": health.timestamp(error.timestamp_seconds)}
            for error in recent.errors
        ],
    }


def summary_of(one: "Instrumentation") -> dict[str, Any]:
    """Return the whole picture: limits in force, use, requests, latency, faults, tasks."""
    settings, prefix, now = one.settings, one.prefix, time.time()
    samples = summary.by_name(one.exposition.families())
    by_status = summary.by_status(samples, prefix=prefix)
    latency = summary.latency(samples, prefix=prefix)
    return {
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
            "errors": sum(count for _, _, count in summary.errors_by_type(samples, prefix=prefix)),
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
