"""Labels that a selector takes, made of its matchers alone.

Design rule: a value is tried against the matcher that asks for it before it is given.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import promql_parser as ast

from stack.selectors import quoted, selector_text, sign_of

__all__ = ["CannotPlay", "besides", "labels_for"]

_TRIED = ("other", "200", "0", "x", "")
"""Values for a label that must not be another one."""

_OF_STATUS = ("200", "other", "0", "x", "")
_STATUS = frozenset({"status", "code", "status_code", "http_status"})


class CannotPlay(ValueError):
    """No series are known that make an expression hold; the message says at which part."""


def labels_for(selector: ast.VectorSelector, *, without: Collection[str] = ()) -> Mapping[str, str]:
    """Return labels that the selector takes. Raises CannotPlay for a matcher that nothing fits."""
    asked: dict[str, list[ast.Matcher]] = {}
    for one in selector.matchers.matchers:
        if one.name != "__name__" and one.name not in without:
            asked.setdefault(one.name, []).append(one)
    labels = {}
    for name, matchers in asked.items():
        value = _value(matchers)
        if value:
            labels[name] = value
    return labels


def besides(part: ast.VectorSelector, whole: ast.VectorSelector) -> Mapping[str, str]:
    """Return labels that `whole` takes and `part` does not. Raises CannotPlay."""
    labels = dict(labels_for(whole))
    for one in part.matchers.matchers:
        if one.name == "__name__":
            continue
        others = [each for each in whole.matchers.matchers if each.name == one.name]
        for value in _OF_STATUS if one.name in _STATUS else _TRIED:
            if not _takes(one, value) and all(_takes(each, value) for each in others):
                return {**labels, one.name: value} if value else labels
    raise CannotPlay(f"{selector_text(part)} is all of {selector_text(whole)}")


def _value(matchers: list[ast.Matcher]) -> str:
    for one in matchers:
        for value in _examples(one):
            if all(_takes(each, value) for each in matchers):
                return value
    asked = ", ".join(f"{one.name}{sign_of(one)}{quoted(one.value)}" for one in matchers)
    raise CannotPlay(f"no value was found that {asked} takes")


def _examples(matcher: ast.Matcher) -> list[str]:
    if matcher.op == ast.MatchOp.Equal:
        return [matcher.value]
    if matcher.op == ast.MatchOp.Re:
        plain = re.sub(r"\(\?[a-z:]*", "(", matcher.value)
        alternatives = re.sub(r"[()^$]", "", plain).split("|")
        return [_example(one) for one in alternatives]
    return ["", *_TRIED]


def _example(pattern: str) -> str:
    """Return a text that a simple pattern takes: any character is 0, any number of them is x."""
    text = re.sub(r"\\(.)|\[(.)[^\]]*\]", lambda found: found[1] or found[2], pattern)
    if text != pattern:
        return text
    return re.sub(r"[*+?]", "", re.sub(r"\.[*+]", "x", pattern).replace(".", "0"))


def _takes(matcher: ast.Matcher, value: str) -> bool:
    match sign_of(matcher):
        case "=":
            return bool(value == matcher.value)
        case "!=":
            return bool(value != matcher.value)
        case "=~":
            return re.fullmatch(matcher.value, value) is not None
        case _:
            return re.fullmatch(matcher.value, value) is None
