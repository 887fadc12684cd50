"""An expression is rewritten node by node, read again, and compared with what it was.

`promql-parser` (0.12) has a quirk that shapes this module: what is assigned to a node shows in
`str()` but not in `prettify()`, and `str()` loses milliseconds and the escaping of label values.
So a node is changed by parsing its replacement and putting that in with `transform`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import promql_parser as ast

from stack import promql
from stack.durations import MILLISECOND, format_duration
from stack.promql import Anatomy, PromQLError, anatomy, children, constant, parse

__all__ = ["rewrite"]


def rewrite(
    expr: ast.Expr,
    *,
    duration: Callable[[timedelta], timedelta] = lambda value: value,
    constants: Mapping[int, float] | None = None,
) -> str:
    """Return the text of `expr` with each duration passed through `duration`.

    `constants` gives new values by position in `Anatomy.constants`. The result is read again and
    taken apart: PromQLError if it differs from `expr` in anything else.
    """
    replacement = dict(constants or {})
    before = anatomy(expr)
    position = -1
    inside_constant = 0

    def put_constant(node: ast.Expr) -> ast.Expr | None:
        nonlocal position, inside_constant
        if constant(node) is None:
            return None
        if inside_constant:
            inside_constant -= 1
            return None
        position += 1
        if position in replacement:
            return ast.NumberLiteral.parse(repr(replacement[position]))  # type: ignore[no-any-return] # the stub says Any
        inside_constant = sum(1 for _ in _descendants(node))
        return None

    def put_durations(node: ast.Expr) -> ast.Expr | None:
        match node:
            case ast.VectorSelector():
                suffix = _suffix(None if node.offset is None else duration(node.offset), node.at)
                return None if node.offset is None else parse(_bare(node) + suffix)
            case ast.MatrixSelector():
                selector = node.vector_selector
                bare, suffix = _bare(selector), _suffix(selector.offset, selector.at)
                return parse(f"{bare}[{format_duration(duration(node.range))}]{suffix}")
            case ast.SubqueryExpr():
                length = format_duration(duration(node.range or timedelta(0)))
                step = format_duration(duration(node.step)) if node.step else ""
                offset = duration(node.offset) if node.offset else None
                return parse(f"{node.expr.prettify()}[{length}:{step}]{_suffix(offset, node.at)}")
            case _:
                return None

    text = ast.transform(expr, put_constant, put_durations).prettify()
    after = anatomy(parse(text))
    expected = Anatomy(
        shape=before.shape,
        durations=tuple(duration(value) for value in before.durations),
        constants=tuple(replacement.get(at, value) for at, value in enumerate(before.constants)),
    )
    if repr(after) != repr(expected):  # repr, because NaN is equal to nothing
        raise PromQLError(
            f"{expr.prettify()!r} would become {text!r}, which differs in more than durations"
        )
    return text


def _descendants(expr: ast.Expr) -> Iterator[ast.Expr]:
    for child in children(expr):
        yield child
        yield from _descendants(child)


def _bare(selector: ast.VectorSelector) -> str:
    """Return `selector` without its offset and `@`, which the parser can't be asked for."""
    suffix = _suffix(selector.offset, selector.at)
    # The parser's own way of writing the suffix, for it may spell a duration differently.
    suffix = ast.parse("x" + suffix).prettify().removeprefix("x")
    text = selector.prettify()
    if not text.endswith(suffix):
        raise PromQLError(f"can't take {suffix!r} from {text!r}")
    return text.removesuffix(suffix)


def _suffix(offset: timedelta | None, at: ast.AtModifier | None) -> str:
    text = ""
    if at is not None:
        moment = promql.moment(at)
        if moment not in {"start()", "end()"}:
            raise PromQLError(
                "a selector with @ and a fixed point in time has no meaning on a drill's clock"
            )
        text += f" @ {moment}"
    if offset is not None:
        sign = "-" if offset < timedelta(0) else ""
        text += f" offset {sign}{format_duration(abs(offset) // MILLISECOND * MILLISECOND)}"
    return text
