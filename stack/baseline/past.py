"""All that is read of the past about one rule, before anything is judged.

One rule: it fetches no more than the judgement needs: how many series there are first, what the
rule said, and then what it measured.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan

from stack.baseline.grid import Grid
from stack.baseline.history import History, Labels, Signal
from stack.baseline.question import Question

__all__ = ["Past", "read_past", "watched_moments"]

WATCHED = "count(up)"
"""Without a single `up` nothing was scraped, and nobody evaluated a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What one rule saw.

    Attributes:
        grid: the moments; those at which nobody evaluated are in no signal.
        observed: how many of them had a series that the rule measures.
        whole: the rule itself: an alert at each moment at which it has a sample.
        gated: what is compared with the threshold, where the rule's other conditions held.
        rest: the rule's other ways to hold.
        ungated: what is measured whatever the other conditions say; read where `gated` is empty.
        edges: of the buckets that a quantile is taken of.
        missing: selectors of which there is no series at all in this time.
        unknown: those among them whose metric is not there under any labels.
    """

    grid: Grid
    observed: int
    whole: Mapping[Labels, Signal]
    gated: Mapping[Labels, Signal] = field(default_factory=dict)
    rest: Mapping[Labels, Signal] = field(default_factory=dict)
    ungated: Mapping[Labels, Signal] = field(default_factory=dict)
    edges: tuple[float, ...] = ()
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def watched_moments(history: History, grid: Grid) -> bytearray:
    """Return 1 for each moment of `grid` at which something was scraped. Raises HistoryError."""
    seen = history.read(WATCHED, grid, series=1)
    return next((one.present for one in seen.values()), bytearray(grid.count))


def read_past(question: Question, history: History, grid: Grid, watched: bytearray) -> Past:
    """Read what `question` asks, at those moments of `grid` that are `watched`.

    Raises HistoryError.
    """
    counts = [one.values for one in history.read(question.present, grid, series=1).values()]
    observed = sum(
        1 for number, is_watched in enumerate(watched) if is_watched and _any(counts, number)
    )
    series = int(max((value for one in counts for value in one if not isnan(value)), default=1))
    own = grid.for_series(series)
    times = own.step_seconds // grid.step_seconds
    seen = watched[::times]

    def read(promql: str) -> Mapping[Labels, Signal]:
        found = history.read(promql, own, series=series) if promql else {}
        for signal in found.values():
            for number, is_watched in enumerate(seen):
                if not is_watched:
                    signal.present[number] = 0
        return found

    whole = read(question.whole)
    missing = [one for one in question.selectors if not history.has_series(one, own)]
    named = [one for one in missing if not one.startswith("{")]
    unknown = [one for one in named if not history.has_series(one.partition("{")[0], own)]
    tunable = question.tunable
    gated = read(tunable.gated) if tunable and observed else {}
    return Past(
        grid=own,
        observed=observed // times,
        whole=whole,
        gated=gated,
        rest=read(tunable.rest) if tunable and observed else {},
        ungated=read(question.measured) if tunable and observed and not gated else {},
        edges=history.edges(tunable.buckets, own) if tunable and tunable.buckets else (),
        missing=tuple(missing),
        unknown=tuple(unknown),
    )


def _any(counts: list[array[float]], number: int) -> bool:
    return any(not isnan(one[number]) for one in counts)
