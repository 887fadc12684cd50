"""Series under which a rule's expression holds, and does not hold while all is well.

Design rule: the expression is inverted node by node, from the comparison down to its selectors; a
node that has no one inverse is said by name, and never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import promql_parser as ast

from stack import promql
from stack.played.labels import CannotPlay, labels_for
from stack.played.series import Series
from stack.played.values import SAME, Levels, values
from stack.selectors import selectors

__all__ = ["CannotPlay", "plays_of"]

BEYOND_RATIO = 0.12
"""How far beyond its threshold a series is played: farther than scrapes make a rate err, and not as
far as the next alert on the same series, whose threshold is a fifth or more away as a rule."""

CLEAR_RATIO = 0.5
"""How far from its threshold it is while all is well."""

SOME_DAY = 1_750_000_000.0
"""Seconds since the epoch, to compare a time with: any day of these decades will do."""


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
        case ast.AggregateExpr() if promql.operator(expr) in SAME:
            yield from _condition(expr.expr)
        case ast.Call() if expr.func.name == "absent":
            yield from _gone(promql.unwrap(expr.args[0]))
        case _:
            yield from values(expr, Levels(well=math.nan, broken=1.0))


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
        yield from values(operand, _levels(sign, number))
        return
    sign = promql.operator(expr)
    yield from values(expr.rhs, Levels(well=1.0, broken=1.0))
    yield from values(expr.lhs, _levels(sign, 1.0))


def _levels(sign: str, number: float) -> Levels:
    """Return a level on either side of a threshold: just beyond it, and clear of it."""
    beyond = abs(number) * BEYOND_RATIO or 1.0
    clear = abs(number) * CLEAR_RATIO or 1.0
    match sign:
        case ">" | ">=":
            # Nothing is played below zero to be well, where zero itself is.
            well = number if number == 0 and sign == ">" else number - clear
            return Levels(well=well, broken=number + beyond)
        case "<" | "<=":
            return Levels(well=number + clear, broken=number - beyond)
        case "==":
            return Levels(well=0.0 if number else 1.0, broken=number)
        case _:
            return Levels(well=number, broken=number + 1)


def _names(expr: ast.Expr) -> Iterator[str]:
    return (promql.metric_name(one) for one in selectors(expr))
