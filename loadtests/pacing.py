"""When a request is due, which one it is, and whether it carries the fault: decided by counting.

One rule: no randomness and no clock. The same plan always makes the same load, so that a share or
a mix holds within one request, not only on average.
"""

from __future__ import annotations

from collections.abc import Mapping

# Sums of shares such as 0.1 miss whole numbers by some 1e-16 an addition; far below one request.
ROUNDING_RATIO = 1e-9


class Schedule:
    """The slots of an open loop: one request every ``1 / rate_per_second`` seconds.

    The slots belong to the target, and its users take the next one as they become free: a slow
    response delays no other user's request, as long as a free user is left. A slot that nobody
    could take in time is dropped and counted in ``missed``, never made up for in a burst.

    Times are seconds on any one clock that only moves forward.
    """

    def __init__(self, rate_per_second: float) -> None:
        if not rate_per_second > 0:
            raise ValueError(f"rate_per_second must be greater than 0, got {rate_per_second}")
        self._interval_seconds = 1 / rate_per_second
        self._began_at: float | None = None
        self._next = 0
        self.missed = 0

    def begin(self, now: float) -> None:
        """Let the first slot be due at ``now``; may be called again, for a load that stopped."""
        self._began_at = now
        self._next = 0

    def claim(self, now: float) -> float:
        """Take the next slot.

        Returns:
            How many seconds to wait until it is due; 0 for one that is due already.

        Raises:
            RuntimeError: the schedule has not begun.
        """
        if self._began_at is None:
            raise RuntimeError("claim() before begin(): no slot has a time yet")
        behind_seconds = now - self._began_at - self._next * self._interval_seconds
        if behind_seconds > self._interval_seconds:
            late = int(behind_seconds / self._interval_seconds)
            self.missed += late
            self._next += late
        due_at = self._began_at + self._next * self._interval_seconds
        self._next += 1
        return max(0.0, due_at - now)

    def take_missed(self) -> int:
        """How many slots were dropped since the last call."""
        missed, self.missed = self.missed, 0
        return missed


class Journey:
    """Requests in the proportion of their weights, evenly spread, by error diffusion.

    Each pick earns every request its weight in credit; the richest is picked and pays the sum of
    all weights (smooth weighted round robin, as nginx balances its upstreams). With whole weights
    each run of ``sum(weights)`` picks has exactly that many of each.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        if not weights:
            raise ValueError("a journey needs at least one request")
        wrong = {name: weight for name, weight in weights.items() if not weight > 0}
        if wrong:
            raise ValueError(f"a weight must be greater than 0, got {wrong}")
        self._weights = dict(weights)
        self._total = sum(self._weights.values())
        self._credit = dict.fromkeys(self._weights, 0.0)

    def pick(self) -> str:
        """The next request's name."""
        credit = self._credit
        for name, weight in self._weights.items():
            credit[name] += weight
        richest = max(credit, key=credit.__getitem__)
        credit[richest] -= self._total
        return richest


class Share:
    """Which requests carry a fault, so that the share holds in all, and for each kind of request.

    Plain error diffusion over all requests falls into step with the journey: of a mix that repeats
    every ten requests, a share of one in ten would always hit the same endpoint. So a request has
    two accounts, everybody's and its kind's; each earns ``ratio`` a request, and a fault is carried
    (and paid by both) when the two together reach one. Both stay within one request of the share.
    """

    def __init__(self, ratio: float) -> None:
        if not 0 < ratio <= 1:
            raise ValueError(f"a share must be greater than 0 and at most 1, got {ratio}")
        self._ratio = ratio
        self._everybody = 0.0
        self._kinds: dict[str, float] = {}

    def takes(self, kind: str) -> bool:
        """Whether this request, the next one of its kind, carries the fault."""
        everybody = self._everybody + self._ratio
        of_kind = self._kinds.get(kind, 0.0) + self._ratio
        carries = everybody + of_kind >= 1 - ROUNDING_RATIO
        self._everybody = everybody - carries
        self._kinds[kind] = of_kind - carries
        return carries
