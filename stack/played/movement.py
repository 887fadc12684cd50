"""Which series would have to move, and to where, for a rule's expression to hold: for a person.

Design rule: a direction is that of what would be played; nothing is said that is not in there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import promql_parser as ast

from stack import promql
from stack.durations import format_duration
from stack.played.inversion import plays_of
from stack.played.labels import labels_for
from stack.played.series import Series
from stack.selectors import selector_text, selectors

__all__ = ["Move", "moves_of"]

Direction = Literal["up", "down", "to", "gone", "larger", "smaller"]

_MUST: Mapping[Direction, str] = {
    "up": "must rise",
    "down": "must fall",
    "to": "must be there",
    "gone": "must vanish",
    "larger": "must count in larger buckets",
    "smaller": "must count in smaller buckets",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What one series must do. `window` is over how long it is looked at; zero for now."""

    selector: str
    direction: Direction
    window: timedelta
    of: str = ""

    @property
    def text(self) -> str:
        """The move, for a person."""
        over = f" over {format_duration(self.window)}" if self.window else ""
        how = f" ({self.of})" if self.of else ""
        return f"{self.selector} {_MUST[self.direction]}{over}{how}"


def moves_of(expr: ast.Expr) -> tuple[Move, ...]:
    """Return what would have to move for `expr` to hold, its first alternative, in its order.

    Raises CannotPlay for an expression that has no one inverse.
    """
    windows: dict[str, tuple[timedelta, str]] = {}
    for one, length, how in _looked_at(expr):
        windows.setdefault(selector_text(one), (length, how))
    found: dict[str, Move] = {}
    for selector, direction in _directions(expr):
        window, how = windows.get(selector, (timedelta(0), ""))
        found.setdefault(
            selector, Move(selector=selector, direction=direction, window=window, of=how)
        )
    return tuple(found.values())


def _looked_at(
    expr: ast.Expr, window: timedelta = timedelta(0), how: str = ""
) -> Iterator[tuple[ast.VectorSelector, timedelta, str]]:
    """Yield each selector with the window over which it is looked at, and by which function."""
    match expr:
        case ast.VectorSelector():
            yield expr, window, how
        case ast.MatrixSelector():
            yield expr.vector_selector, window + expr.range, how
        case ast.SubqueryExpr():
            yield from _looked_at(expr.expr, window + (expr.range or timedelta(0)), how)
        case ast.Call():
            for one in expr.args:
                yield from _looked_at(one, window, expr.func.name)
        case _:
            for one in promql.children(expr):
                yield from _looked_at(one, window, how)


def _directions(expr: ast.Expr) -> Iterator[tuple[str, Direction]]:
    """Yield each selector with where it must go, in the order of the expression."""
    plays = plays_of(expr)
    for selector in selectors(expr):
        text = selector_text(selector)
        mine = [one for one in plays if one.name == promql.metric_name(selector)]
        own = labels_for(selector, without={"le"})
        fitting = [one for one in mine if own.items() <= one.labels.items()] or mine
        ways = {_direction(one) for one in fitting}
        moving = ways - {"to"}
        if ways:
            yield text, moving.pop() if len(moving) == 1 else "to"


def _direction(series: Series) -> Direction:
    if series.broken is None:
        return "gone"
    if series.well is None or series.well == series.broken:
        return "to"
    up = series.broken > series.well
    if series.labels.get("le"):
        return "smaller" if up else "larger"  # fewer in a low bucket are more above it
    return "up" if up else "down"
