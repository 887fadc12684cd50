"""How long to wait before a request is repeated: full jitter below a bound that doubles.

Design rule: pure but for the random number, which may be given. Shippers that lost the same node
come back spread over the whole interval, and not all at once.
"""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["BASE_SECONDS", "CAP_SECONDS", "bound_seconds", "delay_seconds"]

BASE_SECONDS = 0.2
"""The bound of the first wait: a node whose queue is full has usually made room by then."""

CAP_SECONDS = 10.0
"""The bound of every late wait: how long after a node's return its records may lie, at most."""

_LAST_DOUBLING = 30
"""Beyond any cap; a count of days without a node must not become a number of a million digits."""


def bound_seconds(attempt: int) -> float:
    """Return the longest wait after this many failures in a row (1 is the first)."""
    return min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(max(attempt, 1) - 1, _LAST_DOUBLING))


def delay_seconds(attempt: int, chance: Callable[[], float] = random.random) -> float:
    """Return a wait from nothing up to the bound; `chance` gives a number from 0 up to 1."""
    return bound_seconds(attempt) * chance()
