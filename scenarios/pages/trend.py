"""Detection times over the runs that are kept, and which are slower than last time.

One rule: pure, and no judgement: slower by more than a scrape and an evaluation, which come when
they come, is said to be slower, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scenarios.pages.amounts import seconds
from scenarios.pages.record import DrillRecord, RunRecord
from scenarios.pages.runs import Past, PastRun

SHOWN = 20
"""So many runs are drawn, the last ones."""

WIDTH, HEIGHT = 120, 24
"""Pixels of one small line."""

EDGE = 3
"""Pixels left free around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One drill over several runs.

    Attributes:
        slower: by more than a tick, than the last run that detected it.
        change: in seconds, positive where slower.
        points: the line through its detections, for SVG; empty with fewer than two.
        end: where the line ends.
    """

    drill: str
    now: str
    last: str
    change: float
    slower: bool
    best: str
    worst: str
    points: str
    end: tuple[float, float]
    text: str


def trends(run: RunRecord, past: Past) -> tuple[Trend, ...]:
    """Return each drill that was detected now and in an earlier run, the slowest change first."""
    found = [one for drill in run.drills if (one := _trend(drill, past.runs[-SHOWN:]))]
    return tuple(sorted(found, key=lambda one: -one.change))


def _trend(drill: DrillRecord, runs: Sequence[PastRun]) -> Trend | None:
    now = drill.measured.detection
    earlier = [
        then.detection
        for one in runs
        if (then := one.drills.get(drill.id)) and then.detection is not None
    ]
    if now is None or not earlier or not drill.fires:
        return None
    change = now - earlier[-1]
    places = _places([*earlier, now])
    return Trend(
        drill=drill.id,
        now=seconds(now),
        last=seconds(earlier[-1]),
        change=change,
        slower=change > drill.rule.tick_seconds,
        best=seconds(min(earlier)),
        worst=seconds(max(earlier)),
        points=" ".join(f"{x:g},{y:g}" for x, y in places),
        end=places[-1],
        text=", ".join(seconds(one) for one in [*earlier, now]),
    )


def _places(values: Sequence[float]) -> list[tuple[float, float]]:
    low, high = min(values), max(values)
    step = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    scale = (HEIGHT - 2 * EDGE) / (high - low) if high > low else 0.0
    return [
        (round(EDGE + at * step, 1), round(HEIGHT - EDGE - (value - low) * scale, 1))
        for at, value in enumerate(values)
    ]
