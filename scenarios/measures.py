"""What a finished history measures, in seconds: pure, for the summary and the evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from scenarios.evidence import first_arrivals, pending_before
from scenarios.expectation import Expectation
from scenarios.history import History, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Where a drill's time went; ``None`` for what was not observed.

    Attributes:
        crossing: from the witness to the first evaluation in which the condition held.
        pending: from there to firing.
        notifying: from firing to the arrival at the last receiver.
        detection: from the witness to the arrival at the last receiver.
        resolving: from the end of the repair to the first evaluation without the alert.
        resolution: from the end of the repair to the arrival at the last receiver.
    """

    crossing: float | None = None
    pending: float | None = None
    notifying: float | None = None
    detection: float | None = None
    resolving: float | None = None
    resolution: float | None = None


def measure(history: History, want: Expectation) -> Measures:
    """Return what ``history`` says of the time that ``want``'s alert took."""
    witness = history.first(Kind.WITNESSED)
    injected = history.first(Kind.INJECTED)
    if witness is None or injected is None:
        return Measures()
    firing = history.first(Kind.FIRING, want.alert, after=injected.at)
    began = pending_before(history, want.alert, firing) or firing if firing else None
    pending = began.at if began else None
    told = _last_arrival(history, want, "firing")
    repaired = history.first(Kind.REPAIRED)
    gone = history.first(Kind.INACTIVE, want.alert, after=firing.at) if firing else None
    end = _last_arrival(history, want, "resolved")
    return Measures(
        crossing=_between(witness.at, pending),
        pending=_between(pending, firing.at if firing else None),
        notifying=_between(firing.at if firing else None, told),
        detection=_between(witness.at, told),
        resolving=_between(repaired.at if repaired else None, gone.at if gone else None),
        resolution=_between(repaired.at if repaired else None, end),
    )


class Taken(NamedTuple):
    """How long a drill took, and how long it might have, in seconds."""

    drill: str
    seconds: float
    bound_seconds: float


def closest(timed: Iterable[tuple[str, float | None, float]]) -> Taken | None:
    """Return which drill took the largest share of its bound; ``None`` where none was timed.

    ``timed`` are drills with what each took, in seconds, or ``None``, and with its bound.
    """
    taken = [
        Taken(drill, seconds, bound)
        for drill, seconds, bound in timed
        if seconds is not None and bound > 0
    ]
    return max(taken, key=lambda one: (one.seconds / one.bound_seconds, one), default=None)


def _last_arrival(history: History, want: Expectation, status: str) -> float | None:
    first = first_arrivals(history, want, status)
    if not want.receivers <= first.keys():
        return None
    return max(first[name].at for name in want.receivers)


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round(end - start, 3)
