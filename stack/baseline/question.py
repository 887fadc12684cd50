"""What is asked of the past about one alert: its rule, and what its threshold is held against.

One rule: what is asked is made from the rule's own syntax tree, and only where the rule can be
put together again from the answers: `A > t and B` is A where B holds, compared with t afterwards.
Numbers stand for recorded thresholds, which the Prometheus that is asked need not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import promql_parser as ast

from stack import promql
from stack.grafana.conditions import Reading, on_one_line, read_conditions
from stack.recorded import Record, constant_of, inline
from stack.rules import AlertRule, RuleSet
from stack.selectors import selector_text, selectors

__all__ = ["Question", "Tunable", "question_about"]

_OPPOSITE = {">": ("max", "Inf"), ">=": ("max", "Inf"), "<": ("min", "-Inf"), "<=": ("min", "-Inf")}
"""By a comparison: the aggregation that it may be drawn out of, and a limit that nothing passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunable:
    """The number that a rule turns on.

    Attributes:
        sign: of the comparison: `>`, `>=`, `<` or `<=`.
        limit: what it is at present.
        gated: what is compared with it, at those moments at which the rule's other conditions hold.
        rest: the rule without this comparison, where an `or` leaves it other ways to hold; or "".
        threshold: the recorded threshold that may be changed, or "".
        fixed_because: why there is none to change, or "".
        buckets: the histogram's series that a quantile is taken of, or "". Between two edges a
            quantile is interpolated; on which side of an edge it lies is exact.
    """

    sign: str
    limit: float
    gated: str
    rest: str
    threshold: str
    fixed_because: str
    buckets: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to ask about one alert; every text is PromQL.

    Attributes:
        sentence: the rule's conditions in letters: `A > failed_requests:ratio`.
        whole: the rule.
        measured: what it measures, without the comparison.
        present: the number of series that it measures, at a moment.
        selectors: the series that what is measured is made of.
        tunable: None for a rule about a state.
    """

    sentence: str
    whole: str
    measured: str
    present: str
    selectors: tuple[str, ...]
    tunable: Tunable | None


def question_about(rule: AlertRule, rules: RuleSet) -> Question:
    """Return what to ask about `rule`, one of `rules`."""
    constants = [
        Record(name=one.name, labels=one.labels, expr=one.expr)
        for one in rules.recordings
        if one.constant is not None
    ]
    expr = promql.parse(rule.expr)
    reading = read_conditions(expr)
    whole = inline(expr, constants)
    target = _target(expr)
    if target is None:
        leaves = list(_leaves(whole)) or [whole]
        measured = " or ".join(f"({each.prettify()})" for each in leaves)
        # What looks for what is not there always sees something.
        present = " or ".join(
            "vector(1)" if _sees_absence(each) else f"count({each.prettify()})" for each in leaves
        )
        read: Sequence[ast.Expr] = leaves
        tunable = None
    else:
        deciding = inline(_measured(reading, target), constants)
        measured = deciding.prettify()
        present = f"count({measured})"
        read = [deciding]
        tunable = _tunable(whole, target, constants)
    names = dict.fromkeys(selector_text(one) for each in read for one in selectors(each))
    return Question(
        sentence=reading.sentence,
        whole=whole.prettify(),
        measured=measured,
        present=present,
        selectors=tuple(names),
        tunable=tunable,
    )


def _target(expr: ast.Expr) -> ast.BinaryExpr | None:
    """Return the comparison that decides: the first with a threshold, else with a limit to tune."""
    found = list(_comparisons(expr, ""))
    named = (one for one in found if _thresholds(one.rhs))
    numbers = (one for one in found if not _is_state(one))
    return next(named, None) or next(numbers, None)


def _comparisons(expr: ast.Expr, around: str) -> Iterator[ast.BinaryExpr]:
    """Yield the comparisons whose left side becomes the rule's value, from left to right."""
    inside = promql.unwrap(expr)
    match inside:
        case ast.AggregateExpr() if not around and promql.operator(inside) in ("max", "min"):
            yield from _comparisons(inside.expr, promql.operator(inside))
        case ast.BinaryExpr():
            sign = promql.operator(inside)
            if sign in ("and", "unless"):
                yield from _comparisons(inside.lhs, around)
            elif sign == "or":
                yield from _comparisons(inside.lhs, around)
                yield from _comparisons(inside.rhs, around)
            elif sign in _OPPOSITE and around in ("", _OPPOSITE[sign][0]) and _filters(inside):
                yield inside
        case _:
            return


def _leaves(expr: ast.Expr) -> Iterator[ast.Expr]:
    """Yield what a rule about a state looks at: left sides, and what is compared with nothing."""
    inside = promql.unwrap(expr)
    if isinstance(inside, ast.BinaryExpr):
        sign = promql.operator(inside)
        if sign in ("and", "unless"):
            yield from _leaves(inside.lhs)
            return
        if sign == "or":
            yield from _leaves(inside.lhs)
            yield from _leaves(inside.rhs)
            return
        if sign in promql.COMPARISONS:
            yield inside.lhs if any(True for _ in selectors(inside.lhs)) else inside.rhs
            return
    yield inside


def _filters(comparison: ast.BinaryExpr) -> bool:
    """Tell whether it keeps those series of its left side that pass, with their values."""
    makes_bool = comparison.modifier is not None and comparison.modifier.return_bool
    return not makes_bool and any(True for _ in selectors(comparison.lhs))


def _sees_absence(expr: ast.Expr) -> bool:
    if isinstance(expr, ast.Call) and expr.func.name.startswith("absent"):
        return True
    return any(_sees_absence(one) for one in promql.children(expr))


def _is_state(comparison: ast.BinaryExpr) -> bool:
    """Tell whether 0 or 1 is all that it is compared with: there is no number to choose."""
    return _number(comparison.rhs) in (None, 0.0, 1.0)


def _number(limit: ast.Expr) -> float | None:
    number = promql.constant(limit)
    return constant_of(limit) if number is None else number


def _thresholds(limit: ast.Expr) -> list[str]:
    names = (promql.metric_name(one) for one in selectors(limit))
    return [name for name in names if name.startswith("threshold:")]


def _measured(reading: Reading, target: ast.BinaryExpr) -> ast.Expr:
    """Return what `target` measures, with the aggregations around it."""
    limit, inside = on_one_line(target.rhs), on_one_line(target.lhs)
    for one in reading.conditions:
        same = one.limit is not None and on_one_line(one.limit) == limit
        if same and one.sign == promql.operator(target) and inside in on_one_line(one.measured):
            return one.measured
    return target.lhs


def _tunable(
    whole: ast.Expr, target: ast.BinaryExpr, constants: Sequence[Record]
) -> Tunable | None:
    limit = _number(inline(target.rhs, constants))
    if limit is None:
        return None
    sign = promql.operator(target)
    comparison = inline(target, constants).prettify()
    names = _thresholds(target.rhs)
    because = ""
    if not names:
        because = "the number stands in the rule itself, without a name"
    elif promql.unwrap(target.rhs).prettify() != f"scalar({names[0]})":
        because = "it follows from " + " and ".join(name.partition(":")[2] for name in names)
    elif sum(one.name == names[0] for one in constants) > 1:
        because = f"several records are called {names[0]}"
    return Tunable(
        sign=sign,
        limit=limit,
        gated=_gated(whole, comparison).prettify(),
        rest=_without(whole, comparison) if _has_or(whole) else "",
        threshold="" if because else names[0],
        fixed_because=because,
        buckets=_buckets(target.lhs),
    )


def _buckets(measured: ast.Expr) -> str:
    inside = promql.unwrap(measured)
    if isinstance(inside, ast.Call) and inside.func.name == "histogram_quantile":
        return selector_text(next(selectors(inside)))
    return ""


def _is(node: ast.Expr, comparison: str) -> bool:
    return isinstance(node, ast.BinaryExpr) and node.prettify() == comparison


def _holds(expr: ast.Expr, comparison: str) -> bool:
    return _is(expr, comparison) or any(_holds(one, comparison) for one in promql.children(expr))


def _gated(expr: ast.Expr, comparison: str) -> ast.Expr:
    """Return `expr` with the left side in the comparison's place, and no other side of an `or`."""

    def before(node: ast.Expr) -> ast.Expr | None:
        if not isinstance(node, ast.BinaryExpr):
            return None
        if _is(node, comparison):
            return promql.parse(f"({node.lhs.prettify()})")
        if promql.operator(node) == "or":
            for side in (node.lhs, node.rhs):
                if _holds(side, comparison):
                    return promql.parse(f"({_gated(side, comparison).prettify()})")
        return None

    return ast.transform(expr, before, None)


def _without(expr: ast.Expr, comparison: str) -> str:
    """Return `expr` with a limit in the comparison that nothing passes."""

    def before(node: ast.Expr) -> ast.Expr | None:
        if isinstance(node, ast.BinaryExpr) and _is(node, comparison):
            sign = promql.operator(node)
            never = _OPPOSITE[sign][1]
            strict = sign.rstrip("=")
            return promql.parse(f"({node.lhs.prettify()}) {strict} {never}")
        return None

    return ast.transform(expr, before, None).prettify()


def _has_or(expr: ast.Expr) -> bool:
    if isinstance(expr, ast.BinaryExpr) and promql.operator(expr) == "or":
        return True
    return any(_has_or(one) for one in promql.children(expr))
