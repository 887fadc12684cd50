"""Thresholds that might be taken, and how often each would have made the alert fire.

One rule: pure. Every candidate is judged by playing the past again with it, never by a formula: an
alert that holds for longer than `for` is one, however far it is above the threshold.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from stack.baseline.history import Labels, Signal
from stack.baseline.margin import quantile
from stack.baseline.replay import replay

__all__ = ["MONTH", "Candidate", "Trial", "candidate_limits", "next_quieter", "tightest_quiet"]

MONTH = timedelta(days=30)

HEADROOM_RATIO = 1.25
"""How far beyond the nearest that normal came a tighter threshold stays: a quarter more."""

DECADES = 2
"""Below a hundredth of what was seen nothing is proposed: there are only quiet moments."""

PARTS_OF_A_SHARE = 20
"""A ratio and a percentage are also tried at each twentieth."""

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
"""As PromQL makes them: none holds for NaN."""

_STEPS = ("1", "1.2", "1.5", "2", "2.5", "3", "4", "5", "6", "8")
"""Numbers that people choose, ten to a decade, each about a quarter above the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A threshold, and what it would have done; `a_month` is alerts in 30 days at this pace."""

    limit: float
    firings: int
    a_month: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a rule's past is played again with.

    Attributes:
        gated: what is compared with the threshold, where the rule's other conditions held.
        rest: the rule's other ways to hold, which no threshold of it changes.
        sign: of the comparison.
        step_seconds: how far moments are apart.
        observed: how long the rule saw something.
    """

    gated: Mapping[Labels, Signal]
    rest: Mapping[Labels, Signal]
    sign: str
    step_seconds: int
    observed: timedelta

    def of(self, limit: float, *, for_: timedelta, keep_firing_for: timedelta) -> Candidate:
        """Play the past again with `limit`."""
        firings = 0
        for labels in self.gated.keys() | self.rest.keys():
            holds = self._holds(labels, limit)
            if any(holds):
                firings += len(
                    replay(
                        holds,
                        step_seconds=self.step_seconds,
                        for_=for_,
                        keep_firing_for=keep_firing_for,
                    )
                )
        return Candidate(limit=limit, firings=firings, a_month=firings * (MONTH / self.observed))

    def _holds(self, labels: Labels, limit: float) -> list[bool]:
        own, other = self.gated.get(labels), self.rest.get(labels)
        passes = COMPARISONS[self.sign]
        holds = (
            [
                bool(is_there) and passes(value, limit)
                for value, is_there in zip(own.values, own.present, strict=True)
            ]
            if own
            else []
        )
        if other is None:
            return holds
        if not holds:
            return [bool(is_there) for is_there in other.present]
        return [held or bool(also) for held, also in zip(holds, other.present, strict=True)]


def candidate_limits(
    ordered: Sequence[float], *, sign: str, limit: float, edges: Sequence[float], cap: float
) -> tuple[float, ...]:
    """Return thresholds worth a trial, ascending: numbers that people choose, where normal ends.

    Args:
        ordered: all that was measured, ascending.
        sign: of the comparison.
        limit: the present threshold; it is among them.
        edges: a histogram's; where there are any, only they are taken.
        cap: what can't be exceeded, such as 1 for a ratio; a threshold there would never fire.
    """
    if not ordered:
        return (limit,)
    if sign.startswith(">"):
        far = ordered[-1]
        low = max(quantile(ordered, 0.95), far / 10**DECADES)
        high = HEADROOM_RATIO * 2 * max(far, limit)
        low = min(low, limit)
    else:
        far = ordered[0]
        low, high = min(far, limit) / (2 * HEADROOM_RATIO), max(quantile(ordered, 0.05), limit)
    if edges:
        found = {edge for edge in edges if low <= edge <= high}
    else:
        found = set(_ladder(low, high))
        if math.isfinite(cap):  # near its end a share is told in parts of itself: 85 %, 90 %, 95 %
            parts = (round(cap * part / PARTS_OF_A_SHARE, 9) for part in range(PARTS_OF_A_SHARE))
            found |= {one for one in parts if low <= one <= high}
    return tuple(sorted({one for one in found if one < cap} | {limit}))


def next_quieter(
    found: Sequence[Candidate], *, sign: str, limit: float, most_a_month: float
) -> Candidate | None:
    """Return the least change from `limit` that brings at most so many alerts a month, or None."""
    upwards = sign.startswith(">")
    quieter = [
        one
        for one in found
        if (one.limit > limit if upwards else one.limit < limit) and one.a_month <= most_a_month
    ]
    return min(quieter, key=lambda one: abs(one.limit - limit), default=None)


def tightest_quiet(found: Sequence[Candidate], *, sign: str, nearest: float) -> Candidate | None:
    """Return the threshold closest to normal that never fired and leaves it some headroom."""
    upwards = sign.startswith(">")
    edge = nearest * HEADROOM_RATIO if upwards else nearest / HEADROOM_RATIO
    quiet = [
        one
        for one in found
        if one.firings == 0 and (one.limit >= edge if upwards else one.limit <= edge)
    ]
    return min(quiet, key=lambda one: abs(one.limit - edge), default=None)


def _ladder(low: float, high: float) -> Iterator[float]:
    if not 0 < low <= high:
        return
    for exponent in range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1):
        for step in _STEPS:
            number = float(f"{step}e{exponent}")  # written in decimal, so that 0.03 is 0.03
            if low <= number <= high:
                yield number
