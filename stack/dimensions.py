"""A number that means time is found by its dimension, and is refused unless its rule declares it.

Every expression has an exponent: how its value changes when all windows are divided by *k* while
the world stays as fast as it is. `increase(x[1h])` and `time() - x` have 1, `rate(x[1h])`, a ratio
and a gauge have 0, `1 / increase(...)` has -1. A number that meets an exponent other than 0 in a
comparison, a sum or a clamp does not survive scaling as it is. Zero and infinity do.

A threshold that is recorded under a name is a number like any other, but its declaration stands
with the record: `threshold_exponents` says what the rules that read it hold it against.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import promql_parser as ast

from stack import functions, promql
from stack.declarations import EXAMPLE, Declaration

__all__ = [
    "DimensionError",
    "Recorded",
    "TimeNumber",
    "exponent",
    "scaled_constants",
    "threshold_exponents",
    "time_numbers",
]

Recorded = Mapping[str, float | None]
"""The exponents of the series that recording rules write; None for a threshold, a constant."""


class DimensionError(ValueError):
    """An expression holds a number, or does something, that time scaling can't carry over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeNumber:
    """A constant that means time; `position` is its place in `promql.Anatomy.constants`."""

    position: int
    value: float
    exponent: float


@dataclass(frozen=True, slots=True)
class _Quantity:
    """The exponent of a part (None: a constant fits any) and the constants that pass through it.

    `thresholds` are the names of recorded constants that pass through as well.
    """

    exponent: float | None
    constants: tuple[int, ...] = ()
    thresholds: tuple[str, ...] = ()

    def with_constants_of(self, other: _Quantity) -> _Quantity:
        return _Quantity(None, self.constants + other.constants, self.thresholds + other.thresholds)


def exponent(expr: ast.Expr, recorded: Recorded | None = None) -> float:
    """Return the exponent of time of `expr`. Raises DimensionError where it has none.

    `recorded` gives the exponents of series that recording rules write.
    """
    return _Analysis(recorded or {}).measure(expr).exponent or 0.0


def time_numbers(expr: ast.Expr, recorded: Recorded | None = None) -> tuple[TimeNumber, ...]:
    """Return the constants in `expr` that mean time, from left to right."""
    analysis = _Analysis(recorded or {})
    analysis.measure(expr)
    return tuple(
        TimeNumber(position=position, value=analysis.values[position], exponent=found)
        for position, found in sorted(analysis.found.items())
    )


def threshold_exponents(expr: ast.Expr, recorded: Recorded) -> Mapping[str, float]:
    """Return each threshold that `expr` reads, and the exponent of what it is held against."""
    analysis = _Analysis(recorded)
    analysis.measure(expr)
    return analysis.thresholds


def scaled_constants(
    expr: ast.Expr,
    declarations: Sequence[Declaration],
    *,
    k: float,
    recorded: Recorded | None = None,
    default: float = 1.0,
) -> Mapping[int, float]:
    """Return the new values of the constants that are declared as scaled, by their position.

    A number that grows with the window (exponent 1) is divided by `k`, in general by
    `k ** exponent`; `default` is the exponent of one that nothing in `expr` tells. Raises
    DimensionError for a number that means time and is not declared, for a declaration that names
    no number of `expr`, and for two that name the same one.
    """
    found = {number.position: number for number in time_numbers(expr, recorded)}
    values = promql.anatomy(expr).constants
    declared: dict[int, Declaration] = {}
    for declaration in declarations:
        named = [at for at, value in enumerate(values) if abs(value) == abs(declaration.value)]
        named = [at for at in named if at in found] or named
        if not named:
            raise DimensionError(
                f"line {declaration.line} declares {declaration.value:g}, which is not among the "
                f"numbers of the expression ({', '.join(f'{value:g}' for value in values)})"
            )
        for position in named:
            if position in declared:
                raise DimensionError(
                    f"lines {declared[position].line} and {declaration.line} both declare "
                    f"{declaration.value:g}"
                )
            declared[position] = declaration
    missing = [f"{number.value:g}" for at, number in found.items() if at not in declared]
    if missing:
        raise DimensionError(
            f"{', '.join(missing)} means a time, or a count over a window, and does not survive "
            f"time scaling as it is; prefer a rate or a ratio, or declare it: {EXAMPLE}"
        )
    return {
        at: values[at] / k ** (found[at].exponent if at in found else default)
        for at, declaration in declared.items()
        if declaration.scaled
    }


class _Analysis:
    """One walk over an expression, in the order in which `promql.anatomy` lists its constants."""

    def __init__(self, recorded: Recorded) -> None:
        self.values: list[float] = []
        self.found: dict[int, float] = {}
        self.thresholds: dict[str, float] = {}
        self._recorded = recorded

    def measure(self, expr: ast.Expr) -> _Quantity:
        value = promql.constant(expr)
        if value is not None:
            self.values.append(value)
            return _Quantity(None, (len(self.values) - 1,))
        inside = [self.measure(child) for child in promql.children(expr)]
        match expr:
            case ast.VectorSelector():
                name = promql.metric_name(expr)
                if name in self._recorded and self._recorded[name] is None:
                    self.thresholds.setdefault(name, 0.0)
                    return _Quantity(None, (), (name,))
                return _Quantity(self._of_series(name))
            case ast.StringLiteral():
                return _Quantity(None)
            case ast.BinaryExpr():
                return self._binary(expr, *inside)
            case ast.AggregateExpr():
                operator = promql.operator(expr)
                if operator in functions.COUNTING_AGGREGATIONS:
                    return _Quantity(0.0)
                factor = 2 if operator == "stdvar" else 1
                return _Quantity(factor * (inside[-1].exponent or 0.0))
            case ast.Call():
                return self._call(expr, inside)
            case _:  # parentheses, signs, ranges and subqueries change nothing
                return inside[0]

    def _of_series(self, name: str) -> float:
        known = self._recorded.get(name)
        if known is not None:
            return known
        # A base unit of Prometheus' naming conventions; counters and buckets end otherwise.
        return 1.0 if name.endswith("_seconds") or name == "ALERTS_FOR_STATE" else 0.0

    def _call(self, call: ast.Call, inside: Sequence[_Quantity]) -> _Quantity:
        name = call.func.name
        given = max((part.exponent or 0.0 for part in inside), key=abs, default=0.0)
        if name == "predict_linear":
            self._mark(inside[1], 1.0)
            return _Quantity(inside[0].exponent)
        if name in functions.TIME:
            return _Quantity(1.0)
        if name in functions.NONE:
            return _Quantity(0.0)
        if name in functions.COMPARING:
            for part in inside[1:]:
                self._meet(call, inside[0], part)
            return _Quantity(given)
        if name in {"vector", "scalar"}:
            return inside[0]
        if name in functions.SAME:
            return _Quantity(given)
        if name == "sqrt":
            return _Quantity(given / 2)
        if name == "stdvar_over_time":
            return _Quantity(given * 2)
        if name in functions.CURVED and not given:
            return _Quantity(0.0)
        reason = "is not linear" if name in functions.CURVED else "is not known to the scaler"
        raise DimensionError(f"{name}() {reason}, so {call.prettify()!r} can't be scaled")

    def _binary(self, expr: ast.BinaryExpr, left: _Quantity, right: _Quantity) -> _Quantity:
        operator = promql.operator(expr)
        match operator:
            case "*" | "/":
                if left.exponent is None and right.exponent is None:
                    return left.with_constants_of(right)
                sign = 1 if operator == "*" else -1
                return _Quantity((left.exponent or 0.0) + sign * (right.exponent or 0.0))
            case "^":
                power = promql.constant(expr.rhs)
                if power is None and (left.exponent or right.exponent):
                    raise DimensionError(f"{expr.prettify()!r} has no fixed power of time")
                return _Quantity((left.exponent or 0.0) * (power or 0.0))
            case "atan2":
                return _Quantity(0.0)
            case "and" | "unless":
                return left
            case "+" | "-" | "or":
                return self._meet(expr, left, right, strict=False)
            case _:
                met = self._meet(expr, left, right, strict=operator in promql.COMPARISONS)
                bool_result = expr.modifier is not None and expr.modifier.return_bool
                return _Quantity(0.0) if bool_result else met

    def _meet(
        self, where: ast.Expr, left: _Quantity, right: _Quantity, *, strict: bool = True
    ) -> _Quantity:
        """Hold two quantities against each other; a constant takes the exponent of the other."""
        if left.exponent is None and right.exponent is None:
            return left.with_constants_of(right)
        if left.exponent is None or right.exponent is None:
            exponent = left.exponent if right.exponent is None else right.exponent
            self._mark(left, exponent or 0.0)
            self._mark(right, exponent or 0.0)
            return _Quantity(exponent)
        if strict and left.exponent != right.exponent:
            raise DimensionError(
                f"{where.prettify()!r} holds a quantity that changes with its window or the clock "
                "against one that does not; no declaration can mend that: compare rates or ratios"
            )
        return _Quantity(max(left.exponent, right.exponent, key=abs))

    def _mark(self, quantity: _Quantity, exponent: float) -> None:
        for position in quantity.constants:
            value = self.values[position]
            if exponent and value and math.isfinite(value):
                self.found[position] = exponent
        for name in quantity.thresholds if exponent else ():
            if self.thresholds[name] not in (0.0, exponent):
                raise DimensionError(
                    f"{name} is held against quantities that change with their windows in "
                    "different ways; give each comparison a threshold of its own"
                )
            self.thresholds[name] = exponent
