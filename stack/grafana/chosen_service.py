"""What belongs to a service is asked only of the services that are chosen, by `$service`.

Series of the watchers, and of all jobs at once, belong to none that can be chosen; thresholds are
the same for all.
"""

from __future__ import annotations

import promql_parser as ast

from stack import promql

__all__ = ["for_service", "is_of_a_service", "is_of_the_chosen"]

_JOBS = frozenset({"softfactory", "log-shipper"})
_RECORDED = "softfactory:"
_CHOSEN = 'service=~"$service"'


def is_of_a_service(selector: ast.VectorSelector) -> bool:
    """Tell whether `selector` asks for series of services alone."""
    jobs = {each.value for each in selector.matchers.matchers if each.name == "job"}
    return promql.metric_name(selector).startswith(_RECORDED) or bool(jobs & _JOBS)


def is_of_the_chosen(selector: ast.VectorSelector) -> bool:
    """Tell whether `selector` asks only for the services that are chosen."""
    return any(str(each) == _CHOSEN for each in selector.matchers.matchers)


def for_service(expr: ast.Expr) -> ast.Expr:
    """Return `expr` asked only of the services that are chosen."""

    def narrow(node: ast.Expr) -> ast.Expr | None:
        if not isinstance(node, ast.VectorSelector) or not is_of_a_service(node):
            return None
        text = node.prettify()
        if "{" not in text:
            name = promql.metric_name(node)
            return promql.parse(f"{name}{{{_CHOSEN}}}{text.removeprefix(name)}")
        matchers, closing, suffix = text.rpartition("}")  # no offset and no @ has a brace
        return promql.parse(f"{matchers},{_CHOSEN}{closing}{suffix}")

    return ast.transform(expr, None, narrow)
