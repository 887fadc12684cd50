"""What people ask first, computed from metric families: right for one process and for many.

Pure functions: they read no clock and know no process, so that they can be tested on families
written by hand. Samples are found by their own names, which all ways to collect agree on.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from prometheus_client import Metric
from prometheus_client.samples import Sample

Samples: TypeAlias = Mapping[str, list[Sample]]

_LAST_SUCCESS = "_last_success_timestamp_seconds"
_INFINITY = float("inf")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSuccess:
    """When something last ended well, in epoch seconds; None for never."""

    timestamp_seconds: float | None
    age_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """What became of a background task in all processes together."""

    failures: int
    last_success: LastSuccess


def by_name(families: Iterable[Metric]) -> Samples:
    """Return the samples of all families by their names."""
    samples: dict[str, list[Sample]] = defaultdict(list)
    for family in families:
        for sample in family.samples:
            samples[sample.name].append(sample)
    return samples


def by_status(samples: Samples, *, prefix: str) -> dict[str, int]:
    """Return how many requests were answered with each status since the start."""
    return totals(samples, f"{prefix}_requests_total", "status")


def errors_by_type(samples: Samples, *, prefix: str) -> list[tuple[str, str, int]]:
    """Return (type, endpoint, count) of all errors since the start."""
    counts: dict[tuple[str, str], float] = defaultdict(float)
    for sample in samples.get(f"{prefix}_errors_total", ()):
        counts[sample.labels["type"], sample.labels["endpoint"]] += sample.value
    return sorted((kind, endpoint, int(n)) for (kind, endpoint), n in counts.items() if n)


def latency(samples: Samples, *, prefix: str) -> Latency:
    """Return the latency over all counted requests since the start."""
    name = f"{prefix}_request_latency_ms"
    cumulative: dict[float, float] = defaultdict(float)
    for sample in samples.get(f"{name}_bucket", ()):
        cumulative[float(sample.labels["le"])] += sample.value
    count = int(cumulative.get(_INFINITY, 0.0))
    if not count:
        return Latency(count=0, mean_ms=None, p50_ms=None, p95_ms=None, p99_ms=None)
    edges = sorted(edge for edge in cumulative if edge != _INFINITY)

    def quantile(share: float) -> float | None:
        reached = (edge for edge in edges if cumulative[edge] >= share * count)
        return next(reached, edges[-1] if edges else None)

    return Latency(
        count=count,
        mean_ms=sum(sample.value for sample in samples.get(f"{name}_sum", ())) / count,
        p50_ms=quantile(0.50),
        p95_ms=quantile(0.95),
        p99_ms=quantile(0.99),
    )


def totals(samples: Samples, name: str, label: str) -> dict[str, int]:
    """Return a counter's total for each value of one label, those at zero left out."""
    counts: dict[str, float] = defaultdict(float)
    for sample in samples.get(name, ()):
        counts[sample.labels[label]] += sample.value
    return {value: int(count) for value, count in sorted(counts.items()) if count}


def single(samples: Samples, name: str) -> int | None:
    """Return the sum of the samples of that name, or None where there is none."""
    found = samples.get(name)
    return int(sum(sample.value for sample in found)) if found else None


def last_successes(samples: Samples, *, prefix: str, now: float) -> dict[str, LastSuccess]:
    """Return what tells its last success in a metric of its own, such as a backup, by its name."""
    found = {}
    for name, values in samples.items():
        what = name.removeprefix(f"{prefix}_").removesuffix(_LAST_SUCCESS)
        if name == f"{prefix}_{what}{_LAST_SUCCESS}" and what != "background":
            found[what] = _last_success((sample.value for sample in values), now)
    return found


def tasks(samples: Samples, *, prefix: str, now: float) -> dict[str, TaskState]:
    """Return the state of each background task; the latest success of any process counts."""
    failures: dict[str, float] = defaultdict(float)
    for sample in samples.get(f"{prefix}_background_failures_total", ()):
        failures[sample.labels["task"]] += sample.value
    successes: dict[str, list[float]] = defaultdict(list)
    for sample in samples.get(f"{prefix}_background{_LAST_SUCCESS}", ()):
        successes[sample.labels["task"]].append(sample.value)
    return {
        task: TaskState(
            failures=int(failures.get(task, 0.0)),
            last_success=_last_success(successes.get(task, ()), now),
        )
        for task in sorted(failures.keys() | successes.keys())
    }


def _last_success(timestamps: Iterable[float], now: float) -> LastSuccess:
    latest = max(timestamps, default=0.0)
    if not latest > 0:
        return LastSuccess(timestamp_seconds=None, age_seconds=None)
    return LastSuccess(timestamp_seconds=latest, age_seconds=max(0.0, now - latest))
