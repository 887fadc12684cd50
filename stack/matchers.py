"""Matchers mean here what they mean to Alertmanager: anchored, and a missing label is empty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

__all__ = ["Matcher", "MatcherError", "matches", "parse_matchers"]

# Alertmanager's UTF-8 grammar (matcher/parse/lexer.go): a name or value is quoted, or free of
# whitespace and of { } ! = ~ , \ " ' and the backtick. Its older grammar let an unquoted value
# hold more of those; quoted values are the same in both.
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_BARE = r"[^\s{}!=~,\\\"'`]+"
_MATCHER = re.compile(
    rf"\s*(?P<name>{_QUOTED}|{_BARE})\s*(?P<operator>=~|!~|!=|=)\s*(?P<value>{_QUOTED}|{_BARE}|)\s*(?:,|$)",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


class MatcherError(ValueError):
    """A text is not a list of matchers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One condition on one label. Raises MatcherError for a bad regular expression."""

    name: str
    operator: Literal["=", "!=", "=~", "!~"]
    value: str
    _pattern: re.Pattern[str] | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if self.operator in {"=~", "!~"}:
            try:
                pattern = re.compile(self.value)
            except re.error as error:
                raise MatcherError(f"{self}: bad regular expression: {error}") from error
            object.__setattr__(self, "_pattern", pattern)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether `labels` meet the condition. Regular expressions match the whole value."""
        value = labels.get(self.name, "")
        if self._pattern is not None:
            return (self._pattern.fullmatch(value) is not None) == (self.operator == "=~")
        return (value == self.value) == (self.operator == "=")

    def __str__(self) -> str:
        value = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.name}{self.operator}"{value}"'


def matches(matchers: tuple[Matcher, ...], labels: Mapping[str, str]) -> bool:
    """Tell whether `labels` meet all of `matchers`; no matchers match everything."""
    return all(matcher.matches(labels) for matcher in matchers)


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Read one line of a `matchers:` list, such as `severity="HIGH"` or `{a=b, c=~"d|e"}`."""
    body = text.strip()
    if body.startswith("{") and body.endswith("}"):
        body = body[1:-1].strip()
    found: list[Matcher] = []
    at = 0
    while at < len(body):
        match = _MATCHER.match(body, at)
        if match is None:
            raise MatcherError(f"can't read the matcher {text!r} from {body[at:]!r} on")
        found.append(
            Matcher(
                name=_unquote(match["name"]),
                operator=cast(Literal["=", "!=", "=~", "!~"], match["operator"]),
                value=_unquote(match["value"]),
            )
        )
        at = match.end()
    if not found:
        raise MatcherError(f"{text!r} holds no matcher")
    return tuple(found)


def _unquote(text: str) -> str:
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text[1:-1])
