"""Series under which an expression is worth a given number.

Design rule: each node is undone by the one inverse that it has; one that has none is said by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import promql_parser as ast

from stack import promql
from stack.played.labels import CannotPlay, besides, labels_for
from stack.played.series import Series
from stack.selectors import selectors

__all__ = ["SAME", "Levels", "values"]

JUST_BELOW, JUST_ABOVE = 0.97, 1.05
"""The bucket about a level, as parts of it: a quantile lies somewhere between its edges."""

RATE_PER_SECOND = 100.0
"""How fast the counters of a ratio grow in all: a drill's window of seconds holds hundreds, beside
which what a service itself counts under the same name is little."""

SAME = frozenset({"sum", "max", "min", "avg", "group"})
"""Aggregations that are worth what their only series is."""

_OVER_TIME = frozenset(
    {"avg_over_time", "max_over_time", "min_over_time", "last_over_time", "quantile_over_time"}
)
_FILTERS = promql.COMPARISONS | {"and", "unless"}
"""Between an operand and its threshold these let the left side's values through, or nothing."""

_RATES = frozenset({"rate", "irate"})
_THROUGH = frozenset({"abs", "ceil", "floor", "round", "label_replace", "label_join", "sort"})

_MADE_BY_PROMETHEUS = ("scrape_", "ALERTS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """What an expression must be worth while all is well, and while it is not."""

    well: float
    broken: float

    def map(self, of: Callable[[float], float]) -> Levels:
        """Return what both become by `of`."""
        return Levels(well=of(self.well), broken=of(self.broken))


def values(expr: ast.Expr, levels: Levels) -> Iterator[Series]:
    """Yield series under which `expr` is worth these levels. Raises CannotPlay."""
    expr = promql.unwrap(expr)
    match expr:
        case ast.VectorSelector():
            yield _series(expr, "gauge", levels)
        case ast.AggregateExpr() if promql.operator(expr) in SAME:
            yield from values(expr.expr, levels)
        case ast.Call() if expr.func.name in _RATES:
            yield _series(_matrix(expr.args[0]).vector_selector, "counter", levels)
        case ast.Call() if expr.func.name == "increase":
            matrix = _matrix(expr.args[0])
            grown = _series(matrix.vector_selector, "counter", levels)
            yield replace(grown, per=matrix.range.total_seconds())
        case ast.Call() if expr.func.name in _OVER_TIME:
            inner = promql.unwrap(expr.args[-1])
            inside = inner.expr if isinstance(inner, ast.SubqueryExpr) else None
            yield from values(inside or _matrix(inner).vector_selector, levels)
        case ast.Call() if expr.func.name in _THROUGH:
            yield from values(expr.args[0], levels)
        case ast.Call() if expr.func.name == "histogram_quantile":
            yield from _buckets(expr.args[1], levels)
        case ast.UnaryExpr():
            yield from values(expr.expr, levels.map(lambda value: -value))
        case ast.BinaryExpr() if promql.operator(expr) in _FILTERS:
            yield from values(expr.lhs, levels)
        case ast.BinaryExpr():
            yield from _arithmetic(expr, levels)
        case _:
            raise CannotPlay(f"no series is known to make {_called(expr)} {levels.broken:g}")


def _called(expr: ast.Expr) -> str:
    if isinstance(expr, ast.Call):
        return f"{expr.func.name}()"
    if isinstance(expr, ast.AggregateExpr):
        return f"{promql.operator(expr)}()"
    return expr.prettify()


def _series(selector: ast.VectorSelector, kind: str, levels: Levels) -> Series:
    name = promql.metric_name(selector)
    if not name:
        raise CannotPlay(f"{selector.prettify()} names no metric")
    if name.startswith(_MADE_BY_PROMETHEUS):
        raise CannotPlay(f"{name} is made by Prometheus itself")
    if kind == "counter" and min(levels.broken, levels.well) < 0:
        levels = levels.map(lambda value: max(0.0, value))
    return Series(
        name=name,
        labels=labels_for(selector),
        kind="counter" if kind == "counter" else "gauge",
        well=None if math.isnan(levels.well) else levels.well,
        broken=levels.broken,
    )


def _matrix(expr: ast.Expr) -> ast.MatrixSelector:
    expr = promql.unwrap(expr)
    if not isinstance(expr, ast.MatrixSelector):
        raise CannotPlay(f"{expr.prettify()} is no plain range of one series")
    return expr


def _arithmetic(expr: ast.BinaryExpr, levels: Levels) -> Iterator[Series]:
    left, right = promql.constant(expr.lhs), promql.constant(expr.rhs)
    sign = promql.operator(expr)
    if left is None and right is None:
        yield from _of_two(expr, sign, levels)
    elif right is not None:
        undo: dict[str, Callable[[float], float]] = {
            "+": lambda value: value - right,
            "-": lambda value: value + right,
            "*": lambda value: value / right,
            "/": lambda value: value * right,
        }
        yield from values(expr.lhs, levels.map(_known(undo.get(sign), expr)))
    elif left is not None:
        undo = {
            "+": lambda value: value - left,
            "-": lambda value: left - value,
            "*": lambda value: value / left,
            "/": lambda value: left / value,
        }
        yield from values(expr.rhs, levels.map(_known(undo.get(sign), expr)))


def _known(undo: Callable[[float], float] | None, expr: ast.BinaryExpr) -> Callable[[float], float]:
    if undo is None:
        raise CannotPlay(f"no inverse is known of {expr.prettify()}")

    def known(value: float) -> float:
        try:
            return undo(value)
        except ZeroDivisionError as error:
            raise CannotPlay(f"{expr.prettify()} is {value:g} for no number") from error

    return known


def _of_two(expr: ast.BinaryExpr, sign: str, levels: Levels) -> Iterator[Series]:
    if sign == "-" and (_is_now(expr.lhs) or _is_now(expr.rhs)):
        aged, ages = expr.rhs, levels
        if _is_now(expr.rhs):
            aged, ages = expr.lhs, levels.map(lambda value: -value)
        for series in values(aged, ages):
            yield replace(series, kind="age")
        return
    left, right = (list(selectors(one)) for one in (expr.lhs, expr.rhs))
    shared = {promql.metric_name(one) for one in left} & {promql.metric_name(one) for one in right}
    if shared and sign == "/" and len(left) == len(right) == 1:
        yield from _share(expr, left[0], right[0], levels)
    elif shared:
        raise CannotPlay(f"both sides of `{sign}` read {', '.join(sorted(shared))}")
    elif sign in {"/", "*"}:
        yield from values(expr.lhs, levels)
        yield from values(expr.rhs, Levels(well=1.0, broken=1.0))
    elif sign in {"+", "-"}:
        yield from values(expr.lhs, levels)
        yield from values(expr.rhs, Levels(well=0.0, broken=0.0))
    else:
        raise CannotPlay(f"no inverse is known of `{sign}` between series")


def _is_now(expr: ast.Expr) -> bool:
    expr = promql.unwrap(expr)
    return isinstance(expr, ast.Call) and expr.func.name == "time"


def _share(
    expr: ast.BinaryExpr, part: ast.VectorSelector, whole: ast.VectorSelector, levels: Levels
) -> Iterator[Series]:
    """Play a share of one counter: some of it is the part, and the rest is the whole's alone."""
    threshold = (levels.well + levels.broken) / 2
    if not 0 < threshold < 1.5:
        raise CannotPlay(f"{expr.prettify()} can't be a share of {threshold:g}")
    high, low = min(1.0, max(levels.well, levels.broken)), min(levels.well, levels.broken)
    broken, well = (high, low) if levels.broken > levels.well else (low, high)
    kind = "counter" if promql.ranges(expr) else "gauge"
    scale = RATE_PER_SECOND
    inside = _series(part, kind, Levels(well=well * scale, broken=broken * scale))
    if not all(one in inside.labels.items() for one in labels_for(whole).items()):
        inside = replace(inside, labels={**labels_for(whole), **inside.labels})
    yield inside
    rest = Levels(well=(1 - well) * scale, broken=(1 - broken) * scale)
    yield replace(_series(whole, kind, rest), labels=besides(part, whole))


def _buckets(expr: ast.Expr, levels: Levels) -> Iterator[Series]:
    """Play a histogram whose observations all lie below the lower level, or about the upper."""
    found = list(selectors(expr))
    if len(found) != 1 or not promql.metric_name(found[0]).endswith("_bucket"):
        raise CannotPlay(f"{expr.prettify()} is no histogram of one name")
    (selector,) = found
    low, high = sorted((levels.well, levels.broken))
    labels = labels_for(selector, without={"le"})
    high_when_broken = levels.broken > levels.well
    edges = ((low, True), (high * JUST_BELOW, True), (high * JUST_ABOVE, False), (math.inf, False))
    for edge, holds_low in edges:
        when_well = RATE_PER_SECOND if high_when_broken or not holds_low else 0.0
        when_broken = RATE_PER_SECOND if not (high_when_broken and holds_low) else 0.0
        yield Series(
            name=promql.metric_name(selector),
            labels={**labels, "le": "+Inf" if math.isinf(edge) else f"{edge:g}"},
            kind="counter",
            well=when_well,
            broken=when_broken,
        )
