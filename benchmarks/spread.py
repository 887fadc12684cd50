"""What many short rounds say: medians and quartiles, never means, as one slow round is not news.

Rounds of one rotation ran next to each other, so that they are compared with each other only:
what the machine did meanwhile fell on all of them.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The median of some figures with their quartiles, in the figures' own unit."""

    median: float
    lower: float
    upper: float
    count: int

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.lower:.3g} .. {self.upper:.3g})"


def spread(figures: Sequence[float]) -> Spread:
    """Return median and quartiles. Raises ValueError when there is no figure."""
    if not figures:
        raise ValueError("no figures were measured, so they have no median")
    if len(figures) == 1:
        lower = median = upper = figures[0]
    else:
        lower, median, upper = statistics.quantiles(figures, n=4, method="inclusive")
    return Spread(median=median, lower=lower, upper=upper, count=len(figures))


def differences(figures: Sequence[float], base: Sequence[float]) -> list[float]:
    """Return what each round took more than the base's round of the same rotation."""
    return [one - other for one, other in zip(figures, base, strict=True)]


def ratios(figures: Sequence[float], base: Sequence[float]) -> list[float]:
    """Return each round's figure over the base's of the same rotation.

    Rotations whose base is not above zero are left out: a difference that drowned in noise has
    no ratio. Raises ValueError when none is left.
    """
    found = [one / other for one, other in zip(figures, base, strict=True) if other > 0]
    if not found:
        raise ValueError("no rotation had a base above zero, so there is no ratio")
    return found
