"""How near normal came to a threshold.

One rule: pure. "Near" is said in the rule's own direction, so that 100 % is the threshold whether
the rule waits for too much or for too little.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stack.baseline.history import Signal

__all__ = ["USUAL_RATIO", "Margin", "levels", "margin_of", "quantile"]

USUAL_RATIO = 0.999
"""What is usual is that 999 of 1000 moments do not exceed: all of a week but ten minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """Where normal lies, in the unit of what is measured.

    Attributes:
        usual: the value that a thousandth of the moments come nearer to the threshold than.
        nearest: the value that came nearest, or passed it.
        reached_ratio: how much of the way from zero to the threshold that is; above 1 it was
            passed. None where zero lies on the other side, so that no ratio says it.
    """

    usual: float
    nearest: float
    reached_ratio: float | None


def levels(signals: Iterable[Signal]) -> list[float]:
    """Return all values that are numbers, of all series, in ascending order."""
    return sorted(
        value
        for one in signals
        for value, is_there in zip(one.values, one.present, strict=True)
        if is_there and math.isfinite(value)
    )


def margin_of(ordered: Sequence[float], *, sign: str, limit: float) -> Margin | None:
    """Return how near `ordered`, ascending, comes to `limit`; None where there is nothing."""
    if not ordered:
        return None
    if sign.startswith(">"):
        nearest, usual = ordered[-1], quantile(ordered, USUAL_RATIO)
        part, whole = nearest, limit
    else:
        nearest, usual = ordered[0], quantile(ordered, 1 - USUAL_RATIO)
        part, whole = limit, nearest
    reached = part / whole if whole > 0 and part >= 0 else None
    return Margin(usual=usual, nearest=nearest, reached_ratio=reached)


def quantile(ordered: Sequence[float], ratio: float) -> float:
    """Return the smallest value that at least `ratio` of `ordered` do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(ratio * len(ordered)) - 1)]
