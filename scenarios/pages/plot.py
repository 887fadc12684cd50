"""From values to places in a picture: axes with round marks, and lines without idle points.

One rule: pure geometry; across, places are percent of the picture's width, so that it fits a phone
and a desk alike while its text stays the same size; down, they are pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scenarios.pages.amounts import MINUS

WIDTH = 1000
"""Units across a line's own coordinates, which the browser stretches to the picture's width."""

MARKS = 6
"""So many marks on the axis of time, about: as many as a phone has room for."""

HEADROOM = 15
"""Pixels of a value axis that are left free above and below what is drawn, for a line of text."""

LEAST = 1e-12
"""A smaller difference of values is none: it is what floating point leaves."""

Point = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeAxis:
    """From ``start`` to ``end``, in seconds since the epoch; ``zero`` is what marks count from."""

    start: float
    end: float
    zero: float

    def place(self, at: float) -> float:
        """Return where a moment is, in percent of the width; the ends for what lies outside."""
        share = (at - self.start) / max(self.end - self.start, 1e-9)
        return round(min(max(share, 0.0), 1.0) * 100, 2)

    def marks(self) -> Iterator[tuple[float, str]]:
        """Yield round times since ``zero`` with their places."""
        step = round_step((self.end - self.start) / MARKS)
        first = math.ceil((self.start - self.zero) / step)
        last = math.floor((self.end - self.zero) / step)
        for number in range(first, last + 1):
            yield self.place(self.zero + number * step), f"{number * step:g} s".replace("-", MINUS)


def round_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is no less than ``least``."""
    power = 10.0 ** math.floor(math.log10(max(least, 1e-9)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueAxis:
    """From ``low`` at the bottom to ``high`` at the top of ``height`` pixels."""

    low: float
    high: float
    height: int

    @classmethod
    def of(cls, values: Iterable[float], height: int) -> ValueAxis:
        """Return an axis that shows all values, and zero where that costs little room."""
        found = list(values) or [0.0, 1.0]
        low, high = min(found), max(found)
        if 0 < low < 0.6 * high:
            low = 0.0
        if high - low < LEAST:
            half = max(abs(low or 1.0) / 2, LEAST)
            low, high = low - half, high + half
        room = (high - low) * HEADROOM / max(height - 2 * HEADROOM, 1)
        return cls(low=low - room, high=high + room, height=height)

    def place(self, value: float) -> float:
        """Return how many pixels below the top a value is."""
        return round((self.high - value) / (self.high - self.low) * self.height, 1)


def lines(
    axis: ValueAxis, values: Sequence[float | None], *, first: float, last: float
) -> tuple[str, ...]:
    """Return the unbroken lines through ``values``, as points for SVG in units of ``WIDTH``.

    ``first`` and ``last`` are the places of the first and the last value, in percent. Where there
    is no value the line is broken; points on a straight line between their neighbours are left out.
    """
    step = (last - first) / max(len(values) - 1, 1) * WIDTH / 100
    runs: list[list[Point]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            if runs[-1]:
                runs.append([])
        else:
            runs[-1].append((round(first * WIDTH / 100 + at * step), round(axis.place(value))))
    return tuple(_text(_bends(run)) for run in runs if run)


def _bends(points: Sequence[Point]) -> list[Point]:
    kept: list[Point] = []
    for point in points:
        if len(kept) > 1 and _straight(kept[-2], kept[-1], point):
            kept[-1] = point
        elif not kept or point != kept[-1]:
            kept.append(point)
    # A single sample is a dot, which a line of no length with round ends is drawn as.
    return kept if len(kept) > 1 else [kept[0], kept[0]]


def _straight(a: Point, b: Point, c: Point) -> bool:
    return (b[0] - a[0]) * (c[1] - b[1]) == (b[1] - a[1]) * (c[0] - b[0])


def _text(points: Iterable[Point]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)
