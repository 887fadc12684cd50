"""What the clients of one target saw, summed up four times a second.

One rule: every answer is counted once, in the sample of the interval in which it arrived; one that
never came (refused, reset, timed out) is an answer with status 0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

NO_RESPONSE = 0
NO_RESULT = "none"


class Window:
    """The answers that arrived since the last sample."""

    def __init__(self) -> None:
        self._latencies_ms: list[float] = []
        self._statuses: Counter[int] = Counter()
        self._faulted_ms: list[float] = []
        self._faulted_statuses: Counter[int] = Counter()
        self._fault_results: Counter[str] = Counter()
        self._faulted_first_at: float | None = None

    def add(self, *, status: int, latency_ms: float, fault_result: str | None, at: float) -> None:
        """Count an answer that arrived ``at`` (seconds since the epoch).

        ``fault_result`` is what the service says became of the request's fault, ``NO_RESULT`` where
        it says nothing, and ``None`` for a request that carried none.
        """
        self._latencies_ms.append(latency_ms)
        self._statuses[status] += 1
        if fault_result is not None:
            self._fault_results[fault_result] += 1
            self._faulted_ms.append(latency_ms)
            self._faulted_statuses[status] += 1
            if self._faulted_first_at is None:
                self._faulted_first_at = at

    def sample(self, *, target: str, at: float, missed: int) -> dict[str, object] | None:
        """The sample event that ends ``at``, or ``None`` where nothing arrived.

        ``missed`` is how many requests were due and not sent because no user was free.
        """
        if not self._latencies_ms and not missed:
            return None
        latencies, faulted = sorted(self._latencies_ms), self._faulted_ms
        return {
            "event": "sample",
            "target": target,
            "at": at,
            "count": len(latencies),
            "missed": missed,
            "statuses": _by_text(self._statuses),
            "latency_ms": {
                "p50": percentile(latencies, 0.50),
                "p95": percentile(latencies, 0.95),
                "max": percentile(latencies, 1.0),
            },
            "faulted": {
                "count": len(faulted),
                "first_at": self._faulted_first_at,
                "statuses": _by_text(self._faulted_statuses),
                "min_ms": round(min(faulted), 3) if faulted else None,
                "max_ms": round(max(faulted), 3) if faulted else None,
                "results": dict(self._fault_results),
            },
        }


def percentile(ordered: Sequence[float], ratio: float) -> float | None:
    """The smallest value that at least ``ratio`` of ``ordered`` don't exceed (nearest rank)."""
    if not ordered:
        return None
    return round(ordered[max(0, math.ceil(ratio * len(ordered)) - 1)], 3)


def _by_text(statuses: Counter[int]) -> dict[str, int]:
    return {str(status): count for status, count in sorted(statuses.items())}
