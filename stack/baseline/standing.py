"""Where a rule stands: quiet, near, noisy, far, dead, or unknown.

One rule: what is not known is None, and never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from stack.baseline.candidates import Candidate
from stack.baseline.margin import Margin

__all__ = ["Aim", "Standing", "Verdict", "written"]


class Verdict(StrEnum):
    """What is said of a rule."""

    QUIET = "QUIET"
    NEAR = "NEAR"
    NOISY = "NOISY"
    FAR = "FAR"
    DEAD = "DEAD"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What is asked for.

    Attributes:
        most_a_month: alerts of one rule in 30 days; one with more is noisy.
        least: how much of the past a rule must have seen to be judged.
        tighten: propose tighter thresholds too, where normal never came near.
    """

    most_a_month: float
    least: timedelta
    tighten: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of one rule. What is not known is None, and never 0.

    Attributes:
        alert, severity, threshold: of the rule; `threshold` is the recorded name, or "".
        verdict, reason: what is said, and why.
        sentence: the rule's conditions in letters.
        sign, limit: of the comparison that decides; "" and None for a rule about a state.
        margin: how near normal came.
        guarded: the other conditions never held; `margin` is then what was measured regardless.
        firings, a_month: how often it would have fired, in all and at that pace in 30 days.
        firing_now: of these, those that had not ended.
        longest: for how long its condition held at most.
        for_: for how long it must.
        observed, step: how much was seen, and how far its moments are apart.
        trials: thresholds that were tried, ascending, the present one among them.
        longer_for: what a longer `for` would have brought: the factor, and alerts a month.
        proposed: the threshold to take instead, if one is better.
    """

    alert: str
    severity: str
    verdict: Verdict
    reason: str
    sentence: str = ""
    threshold: str = ""
    sign: str = ""
    limit: float | None = None
    margin: Margin | None = None
    guarded: bool = False
    firings: int | None = None
    a_month: float | None = None
    firing_now: int = 0
    longest: timedelta | None = None
    for_: timedelta = timedelta(0)
    observed: timedelta = timedelta(0)
    step: timedelta = timedelta(0)
    trials: tuple[Candidate, ...] = ()
    longer_for: tuple[tuple[int, float], ...] = ()
    proposed: Candidate | None = None


def written(duration: timedelta) -> str:
    """Return `duration` for a person, in one unit: 7 d, 90 min, 45 s."""
    seconds = duration.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
