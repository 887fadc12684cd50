"""A rule's expression is split at its comparisons: what is measured, and what it is held against.

Design rule: whatever an expression is made of, nothing of it is left out. What holds no comparison
is a condition without a limit, which is met while it has a series.
"""

from __future__ import annotations

from dataclasses import dataclass

import promql_parser as ast

from stack import promql
from stack.recorded import constant_of
from stack.selectors import selectors

__all__ = ["Condition", "Reading", "on_one_line", "read_conditions"]

_LOGICAL = frozenset({"and", "or", "unless"})
_THRESHOLD = "threshold:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What is measured and, where it is compared, with what.

    Attributes:
        letter: how the reading's sentence calls what is measured.
        measured: its expression; an aggregation around the comparison stands around it.
        sign: of the comparison; "" without one.
        limit: the expression on its other side; "" without one.
        limit_name: that, for a person: `failed_requests:ratio`, or the number.
        thresholds: the recorded thresholds that the limit reads, from left to right.
    """

    letter: str
    measured: ast.Expr
    sign: str = ""
    limit: ast.Expr | None = None
    limit_name: str = ""
    thresholds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An expression in words of its conditions: `A > failed_requests:ratio and B > 0`."""

    sentence: str
    conditions: tuple[Condition, ...]

    @property
    def deciding(self) -> Condition:
        """The first condition with a recorded threshold, else the first."""
        return next((one for one in self.conditions if one.thresholds), self.conditions[0])


def read_conditions(expr: ast.Expr) -> Reading:
    """Split `expr`. What is measured twice has one letter."""
    reader = _Reader()
    sentence = reader.read(expr, around=())
    return Reading(sentence=sentence, conditions=tuple(reader.found))


def on_one_line(expr: ast.Expr) -> str:
    """Return the text of `expr` without line breaks, which JSON would hold as backslashes.

    Raises PromQLError where a label's value would be changed by that.
    """
    text = " ".join(expr.prettify().split()).replace("( ", "(").replace(" )", ")")
    if repr(promql.anatomy(promql.parse(text))) != repr(promql.anatomy(expr)):
        raise promql.PromQLError(f"{text!r} is not {expr.prettify()!r}")
    return text


class _Reader:
    """One walk through `and`, `or`, `unless`, parentheses, and aggregations of these."""

    def __init__(self) -> None:
        self.found: list[Condition] = []

    def read(self, expr: ast.Expr, around: tuple[ast.AggregateExpr, ...]) -> str:
        inside = promql.unwrap(expr)
        if not _splits(inside):
            return self._letter(inside, around)
        if isinstance(inside, ast.AggregateExpr):
            return self.read(inside.expr, (*around, inside))
        assert isinstance(inside, ast.BinaryExpr)
        sign = promql.operator(inside)
        if sign in _LOGICAL:
            text = f"{self.read(inside.lhs, around)} {sign} {self.read(inside.rhs, around)}"
            return f"({text})" if isinstance(expr, ast.ParenExpr) else text
        name, thresholds = _named(inside.rhs)
        letter = self._letter(
            inside.lhs, around, sign=sign, limit=inside.rhs, name=name, thresholds=thresholds
        )
        return f"{letter} {sign} {name}"

    def _letter(
        self,
        measured: ast.Expr,
        around: tuple[ast.AggregateExpr, ...],
        *,
        sign: str = "",
        limit: ast.Expr | None = None,
        name: str = "",
        thresholds: tuple[str, ...] = (),
    ) -> str:
        text = on_one_line(promql.unwrap(measured))
        for one in reversed(around):
            text = f"{promql.operator(one)} {one.modifier or ''} ({text})"
        seen = {on_one_line(each.measured): each.letter for each in self.found}
        letter = seen.get(on_one_line(promql.parse(text))) or chr(ord("A") + len(set(seen)))
        self.found.append(
            Condition(
                letter=letter,
                measured=promql.parse(text),
                sign=sign,
                limit=limit,
                limit_name=name,
                thresholds=thresholds,
            )
        )
        return letter


def _splits(expr: ast.Expr) -> bool:
    """Tell whether a comparison decides about `expr`; one deep inside it guards a division."""
    expr = promql.unwrap(expr)
    match expr:
        case ast.AggregateExpr():
            return _splits(expr.expr)
        case ast.BinaryExpr():
            sign = promql.operator(expr)
            if sign in _LOGICAL:
                return _splits(expr.lhs) or _splits(expr.rhs)
            return sign in promql.COMPARISONS and not _is_bool(expr)
        case _:
            return False


def _is_bool(expr: ast.BinaryExpr) -> bool:
    return expr.modifier is not None and expr.modifier.return_bool


def _named(limit: ast.Expr) -> tuple[str, tuple[str, ...]]:
    """Return what a person calls `limit`, and the thresholds in it."""
    number = promql.constant(limit)
    number = constant_of(limit) if number is None else number
    if number is not None:
        return f"{number:g}", ()
    name = on_one_line(limit)
    thresholds = []
    for one in selectors(limit):
        if promql.metric_name(one).startswith(_THRESHOLD):
            thresholds.append(promql.metric_name(one))
            short = thresholds[-1].removeprefix(_THRESHOLD)
            name = name.replace(f"scalar({one.prettify()})", short)
    return name, tuple(thresholds)
