"""The picture of one drill: what its rule measured, and beneath it who did what and when.

One rule: pure, from a drill's record to geometry; whatever was seen is drawn, and what is expected
is drawn beside it as a box. Nothing is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scenarios.history import History, Kind
from scenarios.pages.amounts import amount, since
from scenarios.pages.lanes import LANE, Bar, Dot, Lane, Span, bar_of, lanes
from scenarios.pages.plot import TimeAxis, ValueAxis, lines
from scenarios.pages.record import DrillRecord
from scenarios.signals import Signal

TALL, LOW = 120, 58
"""Pixels of the panel of the condition that decides, and of the others."""

CAPTION, GAP = 16, 8
"""Pixels of a panel's caption, and between panels."""

AXIS = 20
"""Pixels of the axis of time."""


ABOVE, BELOW = 4, 12
"""Pixels from a line to the foot of the text above it, and of the text below it."""

MARGIN = 0.02
"""The share of the width that is left free at the end, for the last dot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One condition as it was measured; ``y`` and ``height`` in pixels, lines in their own units.

    Attributes:
        caption: the condition in words.
        curves: the lines of each series, in order.
        limit_y: where the limit is; ``None`` where it is no number.
        limit_lines: the limit's own lines, where it moves.
        marks: places and texts of the extremes that were measured.
        names: of each series, its labels; "" for an only one.
    """

    y: int
    height: int
    caption: str
    curves: tuple[tuple[str, ...], ...]
    limit_y: float | None
    limit_lines: tuple[str, ...]
    marks: tuple[tuple[float, str], ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The whole picture, ready to be written as SVG."""

    title: str
    description: str
    height: int
    panels: tuple[Panel, ...]
    lanes: tuple[Lane, ...]
    guides: tuple[Dot, ...]
    shade: Bar | None
    axis_y: int
    marks: tuple[tuple[float, str], ...]


def timeline(drill: DrillRecord) -> Timeline | None:
    """Return a drill's picture; ``None`` where nothing was injected."""
    history = drill.history
    injected = history.first(Kind.INJECTED)
    if injected is None:
        return None
    last = history.events[-1].at
    start = min(drill.signals.start or injected.at, injected.at)
    axis = TimeAxis(start=start, end=last + (last - start) * MARGIN, zero=injected.at)
    panels = tuple(_panels(drill, axis))
    y = panels[-1].y + panels[-1].height + GAP if panels else GAP
    parties = lanes(drill, axis, y)
    bottom = y + len(parties) * LANE
    return Timeline(
        title=f"Timeline of {drill.id}",
        description=describe(drill),
        height=bottom + AXIS,
        panels=panels,
        lanes=parties,
        guides=tuple(_guides(drill, axis)),
        shade=_shade(history, axis),
        axis_y=bottom,
        marks=tuple(axis.marks()),
    )


def describe(drill: DrillRecord) -> str:
    """Return the picture in a sentence, for whoever can't see it."""
    history = drill.history
    injected = history.first(Kind.INJECTED)
    zero = injected.at if injected else 0.0
    steps = [
        ("witnessed", history.first(Kind.WITNESSED)),
        ("pending", history.first(Kind.PENDING, drill.alert, after=zero)),
        ("firing", history.first(Kind.FIRING, drill.alert, after=zero)),
        ("repaired", history.first(Kind.REPAIRED)),
        ("resolved", history.first(Kind.INACTIVE, drill.alert, after=zero)),
    ]
    told = [f"{name} at {since(one.at - zero)}" for name, one in steps if one]
    return f"Since the injection: {', '.join(told) or 'nothing happened'}."


def _panels(drill: DrillRecord, axis: TimeAxis) -> Iterator[Panel]:
    signals = drill.signals
    step = signals.step_seconds
    y = 0
    ordered = sorted(signals.conditions, key=lambda one: not one.decides)
    several = len(ordered) > 1
    for one in ordered:
        count = max((len(curve.values) for curve in one.curves), default=0)
        first = axis.place(signals.start)
        last = axis.place(signals.start + step * max(count - 1, 1))
        height = (TALL if one.decides else LOW) if one.curves else 0
        values = ValueAxis.of(_all_values(one), height)
        yield Panel(
            y=y + CAPTION,
            height=height,
            caption=_caption(one, several=several),
            curves=tuple(
                lines(values, curve.values, first=first, last=last) for curve in one.curves
            ),
            limit_y=None if one.limit is None or not one.curves else values.place(one.limit),
            limit_lines=lines(values, one.moving_limit, first=first, last=last),
            marks=tuple(_value_marks(one, values)),
            names=tuple(
                ", ".join(f"{name} {value}" for name, value in sorted(curve.labels.items()))
                for curve in one.curves
            ),
        )
        y += CAPTION + height + GAP


def _all_values(one: Signal) -> Iterator[float]:
    for values in (*(curve.values for curve in one.curves), one.moving_limit):
        yield from (value for value in values if value is not None)
    if one.limit is not None:
        yield one.limit


def _value_marks(one: Signal, axis: ValueAxis) -> Iterator[tuple[float, str]]:
    """Yield the largest and the smallest value that was measured, where they can be told apart."""
    values = [value for curve in one.curves for value in curve.values if value is not None]
    if not values:
        return
    top, bottom = max(values), min(values)
    yield axis.place(top) - ABOVE, amount(top, one.unit)
    if axis.place(bottom) - axis.place(top) > CAPTION:
        yield axis.place(bottom) + BELOW, amount(bottom, one.unit)


def _caption(one: Signal, *, several: bool) -> str:
    """Return a condition as a person says it: ``A > 5% (failed_requests)``."""
    name = f"{one.letter} " if several else "measured "
    if not one.curves:
        return f"{name.strip()}: no sample, so that it was never met"
    if not one.sign:
        return f"{name.strip()}: met while it is there"
    limit = one.limit_name if one.limit is None else amount(one.limit, one.unit)
    called, _, unit = one.limit_name.rpartition(":")
    named = one.limit is not None and unit == one.unit and ":" not in called
    return f"{name}{one.sign} {limit}" + (f" ({called})" if named and called else "")


def _guides(drill: DrillRecord, axis: TimeAxis) -> Iterator[Dot]:
    history, zero = drill.history, axis.zero
    for kind, event in (
        ("fault", history.first(Kind.INJECTED)),
        ("firing", history.first(Kind.FIRING, drill.alert, after=zero)),
        ("repaired", history.first(Kind.REPAIRED)),
    ):
        if event:
            yield Dot(x=axis.place(event.at), kind=kind, title=kind)


def _shade(history: History, axis: TimeAxis) -> Bar | None:
    injected = history.first(Kind.INJECTED)
    if injected is None:
        return None
    ended = history.first(Kind.REPAIRED) or history.events[-1]
    return bar_of(axis, Span(start=injected.at, end=ended.at, kind="fault"), "the fault lasts")
