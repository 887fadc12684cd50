"""What the clients of a target saw, as the load generator tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultedAnswers:
    """The answers to requests that carried a fault.

    Attributes:
        first_at: when the first of them arrived, in seconds since the epoch.
        statuses: how many had which status; ``"0"`` where no answer came.
        results: what the service says became of how many faults: ``"delay"`` where it did as it was
            told, ``"rejected: why"``, or ``"none"`` where it doesn't say.
    """

    count: int
    first_at: float | None
    statuses: Mapping[str, int]
    min_ms: float | None
    max_ms: float | None
    results: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSample:
    """What the clients of one target saw in about a quarter of a second.

    Attributes:
        at: when the sample ends, in seconds since the epoch.
        count: how many answers arrived, faulted ones included.
        missed: how many requests were due and not sent, because every user waited for an answer.
        statuses: how many answers had which status; ``"0"`` where the connection was refused or
            reset, or the time was up.
        p50_ms, p95_ms, max_ms: of all answers; ``None`` where none arrived.
    """

    target: str
    at: float
    count: int
    missed: int
    statuses: Mapping[str, int]
    p50_ms: float | None
    p95_ms: float | None
    max_ms: float | None
    faulted: FaultedAnswers


def parse_sample(event: Mapping[str, Any]) -> LoadSample:
    """Turn a sample event into what it says; KeyError or TypeError for one that is no sample."""
    own = {name: event[name] for name in ("target", "at", "count", "missed", "statuses")}
    latencies = {f"{name}_ms": value for name, value in event["latency_ms"].items()}
    return LoadSample(**own, **latencies, faulted=FaultedAnswers(**event["faulted"]))
