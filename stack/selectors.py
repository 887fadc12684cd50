"""The series that an expression reads: its selectors, and each as PromQL's text.

Design rule: what is written is PromQL again, whatever a label's value holds.
"""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser as ast

from stack import promql

__all__ = ["quoted", "selector_text", "selectors", "sign_of"]


def selectors(expr: ast.Expr) -> Iterator[ast.VectorSelector]:
    """Yield every selector of series in `expr`, from left to right."""
    if isinstance(expr, ast.VectorSelector):
        yield expr
    for child in promql.children(expr):
        yield from selectors(child)


def selector_text(selector: ast.VectorSelector) -> str:
    """Return the series that `selector` chooses, without its window and offset.

    A metric with no other matcher is its name alone; what names no metric begins with a brace.
    """
    name = promql.metric_name(selector)
    inside = ",".join(
        f"{one.name}{sign_of(one)}{quoted(one.value)}"
        for one in selector.matchers.matchers
        if not (one.name == "__name__" and one.op == ast.MatchOp.Equal)
    )
    return f"{name}{{{inside}}}" if inside or not name else name


def sign_of(matcher: ast.Matcher) -> str:
    """Return how a matcher compares: `=`, `!=`, `=~` or `!~`."""
    known = (
        (ast.MatchOp.Equal, "="),
        (ast.MatchOp.NotEqual, "!="),
        (ast.MatchOp.Re, "=~"),
        (ast.MatchOp.NotRe, "!~"),
    )
    return next(sign for op, sign in known if matcher.op == op)


def quoted(text: str) -> str:
    """Return a label's value in quotes, as PromQL and the exposition formats write it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
