"""Proposed thresholds become a patch of the rules file.

One rule: a number is changed where its record stands, and nothing else of the file is; what comes
out is read again, and refused if any other rule became different.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePath

from ruamel.yaml.comments import CommentedMap

from stack import promql
from stack.baseline.standing import Standing, written
from stack.recorded import constant_of
from stack.rules import RecordingRule, RuleSet, load_rules
from stack.yamlfile import key_line, line_of, read_yaml

__all__ = ["Change", "PatchError", "as_patch", "changes", "number", "with_changes"]


class PatchError(ValueError):
    """A threshold can't be changed in its file; the message starts with `file:line`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One threshold's new number; `why` is the comment that is put above its record."""

    threshold: str
    was: float
    becomes: float
    why: str


def changes(standings: Iterable[Standing], *, until: date) -> tuple[Change, ...]:
    """Return what is proposed. Of two proposals for one threshold the quieter one counts."""
    found: dict[str, tuple[Standing, Change]] = {}
    for one in standings:
        if one.proposed is None or one.limit is None or one.a_month is None:
            continue
        change = Change(
            threshold=one.threshold,
            was=one.limit,
            becomes=one.proposed.limit,
            why=_why(one, until),
        )
        other = found.get(one.threshold)
        if other is None or _quieter(one, change.becomes, other[1].becomes):
            found[one.threshold] = (one, change)
    return tuple(change for _, change in found.values())


def with_changes(text: str, source: str, wanted: Sequence[Change]) -> str:
    """Return the rules file `text` with the numbers changed; `source` is its name for errors.

    Raises PatchError for a record that is not on a line of its own, or that is not there.
    """
    rules = load_rules(text, source)
    lines = text.splitlines(keepends=True)
    expressions = _lines_of_expressions(text, source)
    comments: list[tuple[int, str]] = []
    for change in wanted:
        record = next((one for one in rules.recordings if one.name == change.threshold), None)
        if record is None:
            raise PatchError(f"{source}:1: no rule records {change.threshold}")
        at = expressions[record.line]
        head, _, rest = lines[at - 1].partition("expr:")
        if _constant(rest) != change.was:
            raise PatchError(
                f"{source}:{at}: expected `expr: vector({number(change.was)})` on one line; "
                f"change {change.threshold} to {number(change.becomes)} by hand"
            )
        lines[at - 1] = f"{head}expr: vector({number(change.becomes)})\n"
        for declared in record.declarations:
            if declared.value == change.was:
                lines[declared.line - 1] = _declared(lines[declared.line - 1], change.becomes)
        above = lines[record.line - 1]
        comments.append(
            (record.line, f"{above[: len(above) - len(above.lstrip())]}# {change.why}\n")
        )
    for line, comment in sorted(comments, reverse=True):
        lines.insert(line - 1, comment)
    changed = "".join(lines)
    _check(rules, load_rules(changed, source), wanted)
    return changed


def as_patch(before: str, after: str, path: PurePath) -> str:
    """Return the difference in unified form, as `git apply` and `patch -p1` take it."""
    return "".join(
        difflib.unified_diff(
            before.splitlines(keepends=True),
            after.splitlines(keepends=True),
            fromfile=f"a/{path.as_posix()}",
            tofile=f"b/{path.as_posix()}",
        )
    )


def number(value: float) -> str:
    """Write a threshold as people do: 1500 and 0.08, exactly."""
    return str(int(value)) if value == int(value) else repr(value)


def _why(one: Standing, until: date) -> str:
    assert one.proposed is not None
    assert one.limit is not None
    assert one.a_month is not None
    first = until - timedelta(days=max(1, round(one.observed / timedelta(days=1))))
    return (
        f"{number(one.proposed.limit)}: by what was seen from {first} to {until} "
        f"({written(one.observed)}), {one.proposed.a_month:.1f} {one.alert} a month "
        f"where {number(one.limit)} gave {one.a_month:.1f}."
    )


def _quieter(one: Standing, new: float, old: float) -> bool:
    return new > old if one.sign.startswith(">") else new < old


def _lines_of_expressions(text: str, source: str) -> dict[int, int]:
    """Return the line of each rule's `expr:`, by the line at which the rule starts."""
    found = {}
    for group in read_yaml(text, source)["groups"]:
        for rule in group.get("rules") or ():
            if isinstance(rule, CommentedMap):
                found[line_of(rule)] = key_line(rule, "expr")
    return found


def _constant(rest_of_line: str) -> float | None:
    try:
        return constant_of(promql.parse(rest_of_line.partition(" #")[0].strip()))
    except promql.PromQLError:
        return None


def _declared(line: str, value: float) -> str:
    head, mark, tail = line.partition("time-scale:")
    return f"{head}{mark}{tail.replace(tail.split()[0], number(value), 1)}"


def _check(before: RuleSet, after: RuleSet, wanted: Sequence[Change]) -> None:
    becomes = {one.threshold: one.becomes for one in wanted}
    for old, new in zip(before.rules, after.rules, strict=True):
        if isinstance(old, RecordingRule) and isinstance(new, RecordingRule):
            expected = becomes.get(old.name, old.constant)
            if new.constant != expected or (expected is None and new.expr != old.expr):
                raise PatchError(f"{after.source}:{new.line}: {new.name} was not to become that")
        elif (old.name, old.expr, old.for_) != (new.name, new.expr, new.for_):  # type: ignore[union-attr]  # one kind
            raise PatchError(f"{after.source}:{new.line}: {new.name} was not to change")
