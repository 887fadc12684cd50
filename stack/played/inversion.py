"""Series under which a rule's expression holds, and does not hold while all is well.

Design rule: the expression is inverted node by node, from the comparison down to its selectors; a
node that has no one inverse is said by name, and never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import promql_parser as ast

from stack import promql
from stack.played.labels import CannotPlay, besides, labels_for
from stack.played.series import Series
from stack.selectors import selectors

__all__ = ["CannotPlay", "plays_of"]

BEYOND_RATIO = 0.12
"""How far beyond its threshold a series is played: farther than scrapes make a rate err, and not as
far as the next alert on the same series, whose threshold is a fifth or more away as a rule."""

CLEAR_RATIO = 0.5
"""How far from its threshold it is while all is well."""

JUST_BELOW, JUST_ABOVE = 0.97, 1.05
"""The bucket about a level, as parts of it: a quantile lies somewhere between its edges."""

SOME_DAY = 1_750_000_000.0
"""Seconds since the epoch, to compare a time with: any day of these decades will do."""

RATE_PER_SECOND = 100.0
"""How fast the counters of a ratio grow in all: a drill's window of seconds holds hundreds, beside
which what a service itself counts under the same name is little."""

_SAME = frozenset({"sum", "max", "min", "avg", "group"})
_OVER_TIME = frozenset(
    {"avg_over_time", "max_over_time", "min_over_time", "last_over_time", "quantile_over_time"}
)
_FILTERS = promql.COMPARISONS | {"and", "unless"}
"""Between an operand and its threshold these let the left side's values through, or nothing."""

_RATES = frozenset({"rate", "irate"})
_THROUGH = frozenset({"abs", "ceil", "floor", "round", "label_replace", "label_join", "sort"})

_MADE_BY_PROMETHEUS = ("scrape_", "ALERTS")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Levels:
    """What an expression must be worth while all is well, and while it is not."""

    well: float
    broken: float

    def map(self, of: Callable[[float], float]) -> _Levels:
        return _Levels(well=of(self.well), broken=of(self.broken))


def plays_of(expr: ast.Expr) -> tuple[Series, ...]:
    """Return series under which `expr` does not hold while all is well, and holds when broken.

    Raises CannotPlay, which says at which part of the expression there is no one answer.
    """
    played: dict[str, Series] = {}
    for series in _condition(expr):
        before = played.setdefault(series.text, series)
        if before != series:
            raise CannotPlay(f"{series.text} would have to be two things at once")
    if not played:
        raise CannotPlay("it reads no series")
    return tuple(played.values())


def _condition(expr: ast.Expr) -> Iterator[Series]:
    expr = promql.unwrap(expr)
    match expr:
        case ast.BinaryExpr() if promql.operator(expr) == "or":
            yield from _one_of(list(_alternatives(expr)))
        case ast.BinaryExpr() if promql.operator(expr) == "and":
            first = list(_condition(expr.lhs))
            yield from first
            for guard in _condition(expr.rhs):
                if not _granted(guard, first):
                    yield guard
        case ast.BinaryExpr() if promql.operator(expr) == "unless":
            yield from _condition(expr.lhs)
            left, right = (frozenset(_names(one)) for one in (expr.lhs, expr.rhs))
            if left & right:
                raise CannotPlay(f"`unless` asks again for {', '.join(sorted(left & right))}")
        case ast.BinaryExpr() if promql.operator(expr) in promql.COMPARISONS:
            yield from _comparison(expr)
        case ast.AggregateExpr() if promql.operator(expr) in _SAME:
            yield from _condition(expr.expr)
        case ast.Call() if expr.func.name == "absent":
            yield from _gone(promql.unwrap(expr.args[0]))
        case _:
            yield from _values(expr, _Levels(well=math.nan, broken=1.0))


def _alternatives(expr: ast.Expr) -> Iterator[ast.Expr]:
    expr = promql.unwrap(expr)
    if isinstance(expr, ast.BinaryExpr) and promql.operator(expr) == "or":
        yield from _alternatives(expr.lhs)
        yield from _alternatives(expr.rhs)
    else:
        yield expr


def _one_of(alternatives: Sequence[ast.Expr]) -> Sequence[Series]:
    """Return what makes the first alternative hold that leaves the others as they are when well."""
    found: list[list[Series]] = []
    problem = CannotPlay("its alternatives are never well at once")
    for one in alternatives:
        try:
            found.append(list(_condition(one)))
        except CannotPlay as reason:
            problem = reason
    for series in found:
        others = [one for other in found if other is not series for one in other]
        if not any(_holds_when_well(mine, one) for mine in series for one in others):
            return series
    raise problem


def _holds_when_well(series: Series, other: Series) -> bool:
    """Return whether a series that is well is where another alternative would have it broken."""
    well, good, bad = (
        _as_gauge(series.well, series),
        _as_gauge(other.well, other),
        _as_gauge(other.broken, other),
    )
    if series.text != other.text or well is None or good is None or bad is None:
        return False
    return abs(well - bad) < abs(well - good)


def _as_gauge(value: float | None, series: Series) -> float | None:
    """Return a level as the series' own value: an age is a time before some day."""
    if value is None or series.kind != "age":
        return value
    return SOME_DAY - value


def _granted(guard: Series, played: Sequence[Series]) -> bool:
    """Return whether a condition beside another one holds by what is played for that.

    A guard beside a ratio asks of the same counters whether they grow fast enough in all.
    """
    same = [one for one in played if one.name == guard.name]
    if guard.kind == "counter":
        return sum(one.broken or 0.0 for one in same) >= (guard.broken or 0.0) and bool(same)
    return any(one.broken == guard.broken for one in same)


def _gone(selector: ast.Expr) -> Iterator[Series]:
    if not isinstance(selector, ast.VectorSelector):
        raise CannotPlay(f"absent() of {selector.prettify()} and not of one series")
    yield Series(
        name=promql.metric_name(selector), labels=labels_for(selector), well=1.0, broken=None
    )


def _comparison(expr: ast.BinaryExpr) -> Iterator[Series]:
    compared = list(promql.comparisons(expr))
    if compared:
        operand, sign, number = compared[0]
        yield from _values(operand, _levels(sign, number))
        return
    sign = promql.operator(expr)
    yield from _values(expr.rhs, _Levels(well=1.0, broken=1.0))
    yield from _values(expr.lhs, _levels(sign, 1.0))


def _levels(sign: str, number: float) -> _Levels:
    """Return a level on either side of a threshold: just beyond it, and clear of it."""
    beyond = abs(number) * BEYOND_RATIO or 1.0
    clear = abs(number) * CLEAR_RATIO or 1.0
    match sign:
        case ">" | ">=":
            # Nothing is played below zero to be well, where zero itself is.
            well = number if number == 0 and sign == ">" else number - clear
            return _Levels(well=well, broken=number + beyond)
        case "<" | "<=":
            return _Levels(well=number + clear, broken=number - beyond)
        case "==":
            return _Levels(well=0.0 if number else 1.0, broken=number)
        case _:
            return _Levels(well=number, broken=number + 1)


def _values(expr: ast.Expr, levels: _Levels) -> Iterator[Series]:
    expr = promql.unwrap(expr)
    match expr:
        case ast.VectorSelector():
            yield _series(expr, "gauge", levels)
        case ast.AggregateExpr() if promql.operator(expr) in _SAME:
            yield from _values(expr.expr, levels)
        case ast.Call() if expr.func.name in _RATES:
            yield _series(_matrix(expr.args[0]).vector_selector, "counter", levels)
        case ast.Call() if expr.func.name == "increase":
            matrix = _matrix(expr.args[0])
            grown = _series(matrix.vector_selector, "counter", levels)
            yield replace(grown, per=matrix.range.total_seconds())
        case ast.Call() if expr.func.name in _OVER_TIME:
            inner = promql.unwrap(expr.args[-1])
            inside = inner.expr if isinstance(inner, ast.SubqueryExpr) else None
            yield from _values(inside or _matrix(inner).vector_selector, levels)
        case ast.Call() if expr.func.name in _THROUGH:
            yield from _values(expr.args[0], levels)
        case ast.Call() if expr.func.name == "histogram_quantile":
            yield from _buckets(expr.args[1], levels)
        case ast.UnaryExpr():
            yield from _values(expr.expr, levels.map(lambda value: -value))
        case ast.BinaryExpr() if promql.operator(expr) in _FILTERS:
            yield from _values(expr.lhs, levels)
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


def _series(selector: ast.VectorSelector, kind: str, levels: _Levels) -> Series:
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


def _arithmetic(expr: ast.BinaryExpr, levels: _Levels) -> Iterator[Series]:
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
        yield from _values(expr.lhs, levels.map(_known(undo.get(sign), expr)))
    elif left is not None:
        undo = {
            "+": lambda value: value - left,
            "-": lambda value: left - value,
            "*": lambda value: value / left,
            "/": lambda value: left / value,
        }
        yield from _values(expr.rhs, levels.map(_known(undo.get(sign), expr)))


def _known(undo: Callable[[float], float] | None, expr: ast.BinaryExpr) -> Callable[[float], float]:
    if undo is None:
        raise CannotPlay(f"no inverse is known of {expr.prettify()}")

    def known(value: float) -> float:
        try:
            return undo(value)
        except ZeroDivisionError as error:
            raise CannotPlay(f"{expr.prettify()} is {value:g} for no number") from error

    return known


def _of_two(expr: ast.BinaryExpr, sign: str, levels: _Levels) -> Iterator[Series]:
    if sign == "-" and (_is_now(expr.lhs) or _is_now(expr.rhs)):
        aged, ages = expr.rhs, levels
        if _is_now(expr.rhs):
            aged, ages = expr.lhs, levels.map(lambda value: -value)
        for series in _values(aged, ages):
            yield replace(series, kind="age")
        return
    left, right = (list(selectors(one)) for one in (expr.lhs, expr.rhs))
    shared = {promql.metric_name(one) for one in left} & {promql.metric_name(one) for one in right}
    if shared and sign == "/" and len(left) == len(right) == 1:
        yield from _share(expr, left[0], right[0], levels)
    elif shared:
        raise CannotPlay(f"both sides of `{sign}` read {', '.join(sorted(shared))}")
    elif sign in {"/", "*"}:
        yield from _values(expr.lhs, levels)
        yield from _values(expr.rhs, _Levels(well=1.0, broken=1.0))
    elif sign in {"+", "-"}:
        yield from _values(expr.lhs, levels)
        yield from _values(expr.rhs, _Levels(well=0.0, broken=0.0))
    else:
        raise CannotPlay(f"no inverse is known of `{sign}` between series")


def _is_now(expr: ast.Expr) -> bool:
    expr = promql.unwrap(expr)
    return isinstance(expr, ast.Call) and expr.func.name == "time"


def _share(
    expr: ast.BinaryExpr, part: ast.VectorSelector, whole: ast.VectorSelector, levels: _Levels
) -> Iterator[Series]:
    """Play a share of one counter: some of it is the part, and the rest is the whole's alone."""
    threshold = (levels.well + levels.broken) / 2
    if not 0 < threshold < 1.5:
        raise CannotPlay(f"{expr.prettify()} can't be a share of {threshold:g}")
    high, low = min(1.0, max(levels.well, levels.broken)), min(levels.well, levels.broken)
    broken, well = (high, low) if levels.broken > levels.well else (low, high)
    kind = "counter" if promql.ranges(expr) else "gauge"
    scale = RATE_PER_SECOND
    inside = _series(part, kind, _Levels(well=well * scale, broken=broken * scale))
    if not all(one in inside.labels.items() for one in labels_for(whole).items()):
        inside = replace(inside, labels={**labels_for(whole), **inside.labels})
    yield inside
    rest = _Levels(well=(1 - well) * scale, broken=(1 - broken) * scale)
    yield replace(_series(whole, kind, rest), labels=besides(part, whole))


def _buckets(expr: ast.Expr, levels: _Levels) -> Iterator[Series]:
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


def _names(expr: ast.Expr) -> Iterator[str]:
    return (promql.metric_name(one) for one in selectors(expr))
