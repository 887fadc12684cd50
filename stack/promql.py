"""PromQL is read as a syntax tree; no expression is ever matched as text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import promql_parser as ast

__all__ = [
    "COMPARISONS",
    "Anatomy",
    "PromQLError",
    "anatomy",
    "children",
    "comparisons",
    "constant",
    "metric_name",
    "moment",
    "operator",
    "parse",
    "ranges",
    "unwrap",
    "window",
]

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})

_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": math.fmod,
    "^": math.pow,
}


class PromQLError(ValueError):
    """An expression is not PromQL, or can't be rewritten faithfully."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """What an expression is made of, taken apart so that two can be compared.

    `shape` is the whole tree with a mark for each duration and each constant. `durations` and
    `constants` hold those, depth first and from left to right. A constant is the largest part that
    holds numbers only (`24 * 3600` is one); a parameter of an aggregation (`topk(5, ...)`)
    is one as well.
    """

    shape: object
    durations: tuple[timedelta, ...]
    constants: tuple[float, ...]


def parse(text: str) -> ast.Expr:
    """Parse `text`, or raise PromQLError that names it."""
    try:
        parsed: ast.Expr = ast.parse(text)
    except ValueError as error:
        raise PromQLError(f"not valid PromQL: {error}: {text.strip()!r}") from error
    return parsed


def operator(expr: ast.AggregateExpr | ast.BinaryExpr) -> str:
    """Return the operator of a binary expression or an aggregation: `>`, `and`, `sum`."""
    return str(expr.op).strip().lower()


def unwrap(expr: ast.Expr) -> ast.Expr:
    """Return `expr` without the parentheses around it."""
    while isinstance(expr, ast.ParenExpr):
        expr = expr.expr
    return expr


def metric_name(selector: ast.VectorSelector) -> str:
    """Return the one name that `selector` asks for, or "" when it asks for several or any."""
    if selector.name:
        return selector.name
    for matcher in selector.matchers.matchers:
        if matcher.name == "__name__" and matcher.op == ast.MatchOp.Equal:
            return matcher.value
    return ""


def constant(expr: ast.Expr) -> float | None:
    """Return the value of an expression made of number literals alone, or None."""
    match expr:
        case ast.NumberLiteral():
            return float(expr.val)
        case ast.ParenExpr():
            return constant(expr.expr)
        case ast.UnaryExpr():
            value = constant(expr.expr)
            if value is None:
                return None
            return -value if expr.prettify().lstrip().startswith("-") else value
        case ast.BinaryExpr():
            left, right = constant(expr.lhs), constant(expr.rhs)
            fold = _ARITHMETIC.get(operator(expr))
            if left is None or right is None or fold is None:
                return None
            try:
                return fold(left, right)
            except (ArithmeticError, ValueError):
                return math.nan  # as PromQL's own floats do, where Python raises
        case _:
            return None


def children(expr: ast.Expr) -> tuple[ast.Expr, ...]:
    """Return the expressions directly inside `expr`, from left to right."""
    match expr:
        case ast.AggregateExpr():
            param = (expr.param,) if isinstance(expr.param, ast.Expr) else ()
            return (*param, expr.expr)
        case ast.BinaryExpr():
            return (expr.lhs, expr.rhs)
        case ast.Call():
            return tuple(expr.args)
        case ast.ParenExpr() | ast.UnaryExpr() | ast.SubqueryExpr():
            return (expr.expr,)
        case ast.MatrixSelector():
            return (expr.vector_selector,)
        case _:
            return ()


def window(expr: ast.Expr) -> timedelta:
    """Return how far back `expr` looks by its range selectors; zero when it has none.

    A subquery adds its own range to the window of what it repeats. Offsets do not count.
    """
    inside = max((window(child) for child in children(expr)), default=timedelta(0))
    match expr:
        case ast.MatrixSelector():
            return expr.range
        case ast.SubqueryExpr():
            return inside + (expr.range or timedelta(0))
        case _:
            return inside


def ranges(expr: ast.Expr) -> tuple[timedelta, ...]:
    """Return the range of each range selector in `expr`; not of subqueries, which hold steps."""
    own = (expr.range,) if isinstance(expr, ast.MatrixSelector) else ()
    return own + tuple(length for child in children(expr) for length in ranges(child))


def comparisons(expr: ast.Expr) -> Iterator[tuple[ast.Expr, str, float]]:
    """Yield the comparisons with a constant at the top of `expr`, through `and`, `or` and `unless`.

    From left to right, as (operand, operator, number); `0.05 < x` is given as `x > 0.05`, and
    `vector(5)` is a number here.
    """
    expr = unwrap(expr)
    if not isinstance(expr, ast.BinaryExpr):
        return
    sign = operator(expr)
    if sign in {"and", "or", "unless"}:
        yield from comparisons(expr.lhs)
        if sign != "unless":
            yield from comparisons(expr.rhs)
    elif sign in COMPARISONS:
        left, right = _compared(expr.lhs), _compared(expr.rhs)
        if right is not None and left is None:
            yield unwrap(expr.lhs), sign, right
        elif left is not None and right is None:
            yield unwrap(expr.rhs), sign.translate(str.maketrans("<>", "><")), left


def _compared(expr: ast.Expr) -> float | None:
    expr = unwrap(expr)
    if isinstance(expr, ast.Call) and expr.func.name == "vector":
        expr = expr.args[0]
    return constant(expr)


def anatomy(expr: ast.Expr) -> Anatomy:
    """Take `expr` apart. Raises PromQLError for a node of a kind that this module doesn't know."""
    durations: list[timedelta] = []
    constants: list[float] = []

    def duration(value: timedelta | None) -> object:
        if value is None:
            return None
        durations.append(value)
        return "duration"

    def take_apart(node: ast.Expr) -> object:
        value = constant(node)
        if value is not None:
            constants.append(value)
            return "constant"
        kind = type(node).__name__
        inside = tuple(take_apart(child) for child in children(node))
        match node:
            case ast.VectorSelector():
                return (
                    kind,
                    node.name,
                    _matchers(node.matchers),
                    duration(node.offset),
                    moment(node.at),
                )
            case ast.MatrixSelector():
                return (kind, inside, duration(node.range))
            case ast.SubqueryExpr():
                times = (duration(node.range), duration(node.step), duration(node.offset))
                return (kind, inside, times, moment(node.at))
            case ast.Call():
                return (kind, node.func.name, inside)
            case ast.AggregateExpr():
                # `count_values("label", x)`: the parser gives its parameter as an expression too.
                return (kind, operator(node), inside, _labels(node.modifier))
            case ast.BinaryExpr():
                return (kind, operator(node), inside, _matching(node.modifier))
            case ast.UnaryExpr():
                return (kind, node.prettify().lstrip()[:1], inside)
            case ast.ParenExpr():
                return (kind, inside)
            case ast.StringLiteral():
                return (kind, node.val)
            case _:
                raise PromQLError(f"don't know how to scale a {kind} in {node.prettify()!r}")

    shape = take_apart(expr)
    return Anatomy(shape=shape, durations=tuple(durations), constants=tuple(constants))


def moment(at: ast.AtModifier | None) -> str | None:
    """Return what an `@` modifier names: `start()`, `end()` or a fixed time; None without one."""
    if at is None:
        return None
    if at.type == ast.AtModifierType.Start:
        return "start()"
    if at.type == ast.AtModifierType.End:
        return "end()"
    return str(at.at)


def _matchers(matchers: ast.Matchers) -> object:
    def one(matcher: ast.Matcher) -> tuple[str, str, str]:
        return (str(matcher.op), matcher.name, matcher.value)

    either: Sequence[Sequence[ast.Matcher]] = matchers.or_matchers
    return (
        sorted(one(matcher) for matcher in matchers.matchers),
        [[one(matcher) for matcher in group] for group in either],
    )


def _labels(modifier: ast.AggModifier | None) -> object:
    return None if modifier is None else (str(modifier.type), tuple(modifier.labels))


def _matching(modifier: ast.BinModifier | None) -> object:
    if modifier is None:
        return None
    on = modifier.matching
    return (
        str(modifier.card),
        None if on is None else (str(on.type), tuple(on.labels)),
        tuple(modifier.group_labels or ()),
        modifier.return_bool,
        (modifier.fill_values.lhs, modifier.fill_values.rhs),
    )
