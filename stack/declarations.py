"""A number that means time says so in a comment directly above its expression, or nowhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ruamel.yaml.comments import CommentedMap

from stack.yamlfile import ConfigurationError, key_line

__all__ = ["EXAMPLE", "Declaration", "DeclarationError", "declarations_by_rule"]

EXAMPLE = (
    "`# time-scale: <number> seconds|count fixed|scaled: <reason>` on the line above its `expr:`"
)
"""How to declare a number, for messages."""

_MARK = "# time-scale:"
# A comment's own small language; the expression itself is never matched as text.
_FORM = re.compile(
    r"#\s*time-scale:\s+(?P<value>\S+)\s+(?P<unit>seconds|count)\s+(?P<how>fixed|scaled):\s+(?P<reason>\S.*)"
)


class DeclarationError(ConfigurationError):
    """A `# time-scale:` comment is malformed, misplaced, or names a number that isn't there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What a rule's author says of one number in its expression.

    `scaled` numbers are divided by the time scale with the windows; `fixed` ones stay, because
    the drill makes the real quantity pass them. `line` counts from 1.
    """

    value: float
    unit: Literal["seconds", "count"]
    scaled: bool
    reason: str
    line: int


def declarations_by_rule(
    text: str, source: str, document: CommentedMap
) -> Mapping[int, tuple[Declaration, ...]]:
    """Return the declarations of each rule, by the line (from 1) of the rule's `expr:` key.

    Raises DeclarationError naming file and line for one that is malformed or stands elsewhere,
    for it would otherwise be ignored in silence.
    """
    lines = text.splitlines()
    found: dict[int, tuple[Declaration, ...]] = {}
    used: set[int] = set()
    for line in _expression_lines(document):
        above = line - 1
        while above >= 1 and lines[above - 1].lstrip().startswith("#"):
            above -= 1
        declared = []
        for number in range(above + 1, line):
            comment = lines[number - 1].strip()
            if comment.startswith(_MARK):
                declared.append(_read(comment, source, number))
                used.add(number)
        found[line] = tuple(declared)
    for number, content in enumerate(lines, start=1):
        if content.lstrip().startswith(_MARK) and number not in used:
            raise DeclarationError(
                f"{source}:{number}: this declaration belongs to no expression; write {EXAMPLE}"
            )
    return found


def _expression_lines(document: CommentedMap) -> list[int]:
    return [
        key_line(rule, "expr")
        for group in _maps_in(document.get("groups"))
        for rule in _maps_in(group.get("rules"))
        if "expr" in rule
    ]


def _maps_in(value: object) -> list[CommentedMap]:
    """Return the mappings in a list; what is no list of mappings is refused by whoever reads it."""
    items = value if isinstance(value, list) else []
    return [each for each in items if isinstance(each, CommentedMap)]


def _read(comment: str, source: str, line: int) -> Declaration:
    match = _FORM.fullmatch(comment)
    if match is None:
        raise DeclarationError(f"{source}:{line}: can't read {comment!r}; write {EXAMPLE}")
    try:
        value = float(match["value"])
    except ValueError as error:
        raise DeclarationError(
            f"{source}:{line}: {match['value']!r} is not a number; write {EXAMPLE}"
        ) from error
    return Declaration(
        value=value,
        unit="seconds" if match["unit"] == "seconds" else "count",
        scaled=match["how"] == "scaled",
        reason=match["reason"],
        line=line,
    )
