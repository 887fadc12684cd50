"""What a rule reads by a recorded name counts, for analysis, as what was recorded under it.

A threshold is a recording rule of a constant (`vector(80)`) at the head of its group, so that the
number stands once and has a name. An alert reads it as `scalar(threshold:memory_high:percent)`.
An inlined expression is for analysis alone and is never evaluated: offsets of recorded series and
matchers on labels that the recorded expression makes itself are not carried over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import promql_parser as ast

from stack import promql
from stack.durations import format_duration

__all__ = ["Record", "constant_of", "inline", "reads", "sources"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One recording rule: the series that it writes, and the labels that it puts on it."""

    name: str
    labels: Mapping[str, str]
    expr: str


def constant_of(expr: ast.Expr) -> float | None:
    """Return the number that `expr` records, if it is `vector(<number>)`; else None."""
    expr = promql.unwrap(expr)
    if isinstance(expr, ast.Call) and expr.func.name == "vector":
        return promql.constant(expr.args[0])
    return None


def reads(expr: ast.Expr) -> frozenset[str]:
    """Return the names of all series that `expr` selects by name."""
    return frozenset(promql.metric_name(each) for each in _selectors(expr)) - {""}


def sources(expr: ast.Expr, records: Sequence[Record]) -> tuple[Record, ...]:
    """Return those of `records` that `expr` reads, directly or through others, in their order.

    Of several that write one name, those count whose own labels the selectors allow.
    """
    found: set[int] = set()
    pending: list[tuple[ast.Expr, Mapping[str, str]]] = [(expr, {})]
    seen: set[tuple[int, frozenset[tuple[str, str]]]] = set()
    while pending:
        reader, outer = pending.pop()
        for selector in _selectors(reader):
            wanted = {**outer, **_equalities(selector)}
            for at, each in enumerate(records):
                if each.name != promql.metric_name(selector) or not _allows(wanted, each.labels):
                    continue
                within = {**wanted, **each.labels}
                if (at, frozenset(within.items())) not in seen:
                    seen.add((at, frozenset(within.items())))
                    found.add(at)
                    pending.append((promql.parse(each.expr), within))
    return tuple(records[at] for at in sorted(found))


def inline(expr: ast.Expr, records: Sequence[Record]) -> ast.Expr:
    """Return `expr` with the expressions of `records` in the place of the series that they write.

    `scalar()` of a threshold becomes its number. Where several records write one name, those count
    whose own labels the selector's equality matchers allow. A record that reads itself is left.
    """
    return _inline(expr, tuple(records), {})


def _inline(expr: ast.Expr, records: Sequence[Record], outer: Mapping[str, str]) -> ast.Expr:
    def of(selector: ast.VectorSelector) -> ast.Expr | None:
        name = promql.metric_name(selector)
        wanted = {**outer, **_equalities(selector)}
        found = [each for each in records if each.name == name and _allows(wanted, each.labels)]
        if not found:
            return None
        others = [each for each in records if each.name != name]
        written = [
            _inline(promql.parse(each.expr), others, {**wanted, **each.labels}) for each in found
        ]
        if len(written) == 1 and constant_of(written[0]) is not None:
            return written[0]
        return promql.parse(" or ".join(f"({each.prettify()})" for each in written))

    def before(node: ast.Expr) -> ast.Expr | None:
        match node:
            case ast.MatrixSelector():
                source = of(node.vector_selector)
                if source is None:
                    return None
                length = format_duration(node.range)
                return promql.parse(f"({source.prettify()})[{length}:]")
            case ast.Call() if node.func.name == "scalar":
                selector = promql.unwrap(node.args[0])
                source = of(selector) if isinstance(selector, ast.VectorSelector) else None
                value = None if source is None else constant_of(source)
                return None if value is None else promql.parse(repr(value))
            case _:
                return None

    def after(node: ast.Expr) -> ast.Expr | None:
        source = of(node) if isinstance(node, ast.VectorSelector) else None
        return None if source is None else promql.parse(f"({source.prettify()})")

    return ast.transform(expr, before, after)


def _selectors(expr: ast.Expr) -> Iterator[ast.VectorSelector]:
    if isinstance(expr, ast.VectorSelector):
        yield expr
    for child in promql.children(expr):
        yield from _selectors(child)


def _equalities(selector: ast.VectorSelector) -> Mapping[str, str]:
    return {
        each.name: each.value
        for each in selector.matchers.matchers
        if each.op == ast.MatchOp.Equal and each.name != "__name__"
    }


def _allows(wanted: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return all(wanted.get(name, value) == value for name, value in labels.items())
