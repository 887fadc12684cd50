"""What a rule measured while it was drilled: its conditions, their series and their limits.

One rule: plain data for a picture. Whoever judges does not look at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One series: the labels that tell it from others, and a value a moment (``None``: none)."""

    labels: Mapping[str, str]
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One condition of a rule as it was measured.

    Attributes:
        letter: how the rule's sentence calls it.
        query: what Prometheus was asked, at the run's time scale.
        sign: of the comparison; "" where the condition is met while it has a series.
        limit: what it is held against, where that is a number; else ``None``.
        limit_name: that, for a person: ``failed_requests:ratio``.
        moving_limit: the limit at each moment, where it is a series itself.
        unit: the word in which the threshold's name ends (``milliseconds``), or "".
        curves: the series, those that came closest to the limit.
        left_out: how many more there were.
        decides: whether it is the rule's deciding condition.
    """

    letter: str
    query: str
    sign: str = ""
    limit: float | None = None
    limit_name: str = ""
    moving_limit: tuple[float | None, ...] = ()
    unit: str = ""
    curves: tuple[Curve, ...] = ()
    left_out: int = 0
    decides: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """All conditions of a drilled rule.

    Attributes:
        sentence: the rule in words of its conditions: ``A > failed_requests:ratio``.
        start: the first moment, in seconds since the epoch.
        step_seconds: from one moment to the next.
        conditions: in the order of the rule.
        problem: why there is nothing, or not all, to be seen.
    """

    sentence: str = ""
    start: float = 0.0
    step_seconds: float = 0.0
    conditions: tuple[Signal, ...] = ()
    problem: str = ""
