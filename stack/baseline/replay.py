"""A rule's past is played again: when it would have fired, by Prometheus' own order of states.

One rule: pure. The states are those of `AlertingRule.Eval` in Prometheus: pending from the first
moment at which the condition holds, firing once it has held for `for`, and after its last moment
still firing for `keep_firing_for`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Firing", "longest_hold", "replay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One time that an alert fired, by numbers of moments; `ended` is None where it still does."""

    began: int
    ended: int | None


def replay(
    holds: Iterable[bool], *, step_seconds: float, for_: timedelta, keep_firing_for: timedelta
) -> tuple[Firing, ...]:
    """Return each firing of one alert, oldest first.

    Args:
        holds: whether its condition held, moment after moment. A moment without data is one at
            which it did not: that is what an evaluation makes of it.
        step_seconds: how far two moments are apart.
        for_: the rule's `for`.
        keep_firing_for: the rule's.

    An alert that held from the first moment on may have begun before: it counts from there.
    """
    needed = for_.total_seconds()
    kept = keep_firing_for.total_seconds()
    found: list[Firing] = []
    active_since: int | None = None
    fires_since: int | None = None
    missing_since: int | None = None
    for number, held in enumerate(holds):
        if held:
            missing_since = None
            if active_since is None:
                active_since = number
            if fires_since is None and (number - active_since) * step_seconds >= needed:
                fires_since = number
        elif active_since is not None:
            if fires_since is not None and kept:
                if missing_since is None:
                    missing_since = number
                if (number - missing_since) * step_seconds < kept:
                    continue
            if fires_since is not None:
                found.append(Firing(began=fires_since, ended=number))
            active_since = fires_since = missing_since = None
    if fires_since is not None:
        found.append(Firing(began=fires_since, ended=None))
    return tuple(found)


def longest_hold(holds: Iterable[bool], *, step_seconds: float) -> timedelta:
    """Return the longest time for which the condition held without a break.

    From its first moment to its last, which is what `for` is compared with: one moment alone is
    no time at all.
    """
    longest = current = -1
    for held in holds:
        current = current + 1 if held else -1
        longest = max(longest, current)
    return timedelta(seconds=max(0, longest) * step_seconds)
