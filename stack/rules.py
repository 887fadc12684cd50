"""A rule file becomes frozen data that remembers the line each thing came from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

import promql_parser as ast
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from stack import promql
from stack.declarations import Declaration, declarations_by_rule
from stack.recorded import Record, constant_of, inline, reads
from stack.yamlfile import ConfigurationError, key_line, line_of, read_duration, read_yaml

__all__ = [
    "AlertRule",
    "RecordingRule",
    "RuleFileError",
    "RuleGroup",
    "RuleSet",
    "Threshold",
    "load_rules",
]


class RuleFileError(ConfigurationError):
    """A rule file can't be used; the message starts with `file:line`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """What a rule compares, as the PromQL says it.

    kind "value": the operand is compared with `value`. kind "quantile": `histogram_quantile(q, x)`
    is compared with `objective`, which holds when more than `value` = 1 - q of the observations
    exceed it. `window` is how far back the operand looks (zero for an instant one).
    """

    kind: Literal["value", "quantile"]
    value: float
    objective: float | None
    comparison: str
    window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """An alerting rule. `line` is where it starts in its file, counted from 1.

    `labels` holds those of its group as well, which its own override. `inlined` is the expression
    with thresholds as numbers and recorded series as what is recorded: for analysis alone.
    """

    name: str
    expr: str
    for_: timedelta
    keep_firing_for: timedelta
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    group: str
    line: int
    inlined: str
    declarations: tuple[Declaration, ...] = ()

    @property
    def window(self) -> timedelta:
        """How far back the rule looks by its range selectors and those of what it reads; or zero.

        A window over a recorded series adds to the window of what was recorded.
        """
        return promql.window(promql.parse(self.inlined))

    @property
    def threshold(self) -> Threshold | None:
        """The comparison that decides: the leftmost with a window, else the leftmost, else None."""
        found = [
            _threshold(operand, sign, number)
            for operand, sign, number in promql.comparisons(promql.parse(self.inlined))
        ]
        return next((each for each in found if each.window), found[0] if found else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRule:
    """A recording rule; `name` is the series that it writes. `inlined` is as an alert's."""

    name: str
    expr: str
    labels: Mapping[str, str]
    group: str
    line: int
    inlined: str
    declarations: tuple[Declaration, ...] = ()

    @property
    def window(self) -> timedelta:
        """How far back the rule looks, as for an alert."""
        return promql.window(promql.parse(self.inlined))

    @property
    def constant(self) -> float | None:
        """The number, if this is a threshold: a recording rule of a constant."""
        return constant_of(promql.parse(self.expr))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """A group, with its rules in the order of evaluation; `interval` None means the global one."""

    name: str
    interval: timedelta | None
    rules: tuple[AlertRule | RecordingRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """A whole rule file."""

    groups: tuple[RuleGroup, ...]
    source: str = "<rules>"

    @property
    def rules(self) -> tuple[AlertRule | RecordingRule, ...]:
        """Every rule, in file order."""
        return tuple(rule for group in self.groups for rule in group.rules)

    @property
    def alerts(self) -> tuple[AlertRule, ...]:
        """Every alerting rule, in file order."""
        return tuple(rule for rule in self.rules if isinstance(rule, AlertRule))

    @property
    def recordings(self) -> tuple[RecordingRule, ...]:
        """Every recording rule, in file order."""
        return tuple(rule for rule in self.rules if isinstance(rule, RecordingRule))

    def alert(self, name: str) -> AlertRule:
        """Return the alerting rule called `name`; KeyError names those that exist."""
        for rule in self.alerts:
            if rule.name == name:
                return rule
        raise KeyError(
            f"no alert {name!r} in {self.source}; it has {[rule.name for rule in self.alerts]}"
        )

    def only(self, groups: Collection[str]) -> RuleSet:
        """Return these rules without the groups that `groups` does not name.

        Raises RuleFileError for a name that no group has, and for a rule that reads what a rule
        of a left-out group records: it would never see a sample.
        """
        known = [group.name for group in self.groups]
        unknown = sorted(set(groups) - set(known))
        if unknown:
            raise RuleFileError(f"{self.source}:1: no group {unknown} here; it has {known}")
        kept = tuple(group for group in self.groups if group.name in groups)
        written = {rule.name for group in kept for rule in group.rules}
        lost = {rule.name: rule.group for rule in self.recordings if rule.name not in written}
        for rule in (rule for group in kept for rule in group.rules):
            missing = sorted(reads(promql.parse(rule.expr)) & lost.keys())
            if missing:
                raise RuleFileError(
                    f"{self.source}:{rule.line}: {rule.name} reads {missing[0]}, which group "
                    f"{lost[missing[0]]!r} records; take that group as well"
                )
        return replace(self, groups=kept)

    def with_lines_of(self, original: RuleSet) -> RuleSet:
        """Return these rules with the lines and source of the file that they were derived from."""
        groups = tuple(
            replace(
                group,
                rules=tuple(
                    replace(rule, line=other.line, declarations=other.declarations)
                    for rule, other in zip(group.rules, other_group.rules, strict=True)
                ),
            )
            for group, other_group in zip(self.groups, original.groups, strict=True)
        )
        return RuleSet(groups=groups, source=original.source)


@lru_cache(maxsize=16)
def load_rules(text: str, source: str = "<rules>") -> RuleSet:
    """Read a Prometheus rule file. `source` is the name that errors start with.

    What was read stays read: a run asks for the same text once a stack, and it is frozen.

    Raises RuleFileError (`source:line: what, and what to write instead`) for YAML that is not a
    rule file, for a bad duration or expression, and for a misplaced or malformed declaration.
    """
    document = read_yaml(text, source)
    declared = declarations_by_rule(text, source, document)
    groups = []
    for group in _list(document, "groups", source, 1):
        line = line_of(group)
        if not isinstance(group, CommentedMap) or not group.get("name"):
            raise RuleFileError(f"{source}:{line}: a rule group needs a name")
        shared = _texts(group, "labels", source)
        rules = tuple(
            _rule(raw, str(group["name"]), shared, source, declared)
            for raw in _list(group, "rules", source, line)
        )
        interval = read_duration(group, "interval", source, timedelta(0)) or None
        groups.append(RuleGroup(name=str(group["name"]), interval=interval, rules=rules))
    return _with_inlined(RuleSet(groups=tuple(groups), source=source))


def _with_inlined(rules: RuleSet) -> RuleSet:
    records = [
        Record(name=rule.name, labels=rule.labels, expr=rule.expr) for rule in rules.recordings
    ]
    if not records:
        return rules
    groups = tuple(
        replace(
            group,
            rules=tuple(
                replace(rule, inlined=inline(promql.parse(rule.expr), records).prettify())
                for rule in group.rules
            ),
        )
        for group in rules.groups
    )
    return replace(rules, groups=groups)


def _rule(
    raw: Any,
    group: str,
    shared: Mapping[str, str],
    source: str,
    declared: Mapping[int, tuple[Declaration, ...]],
) -> AlertRule | RecordingRule:
    line = line_of(raw)
    if not isinstance(raw, CommentedMap) or ("alert" in raw) == ("record" in raw):
        raise RuleFileError(f"{source}:{line}: a rule needs either `alert:` or `record:`")
    name = str(raw["alert"] if "alert" in raw else raw["record"])
    if "expr" not in raw:
        raise RuleFileError(f"{source}:{line}: {name} has no `expr:`")
    expr = str(raw["expr"])
    at_expr = key_line(raw, "expr")
    try:
        promql.parse(expr)
    except promql.PromQLError as error:
        raise RuleFileError(f"{source}:{at_expr}: {name}: {error}") from error
    labels = MappingProxyType({**shared, **_texts(raw, "labels", source)})
    if "record" in raw:
        return RecordingRule(
            name=name,
            expr=expr,
            labels=labels,
            group=group,
            line=line,
            inlined=expr,
            declarations=declared.get(at_expr, ()),
        )
    return AlertRule(
        name=name,
        expr=expr,
        for_=read_duration(raw, "for", source, timedelta(0)),
        keep_firing_for=read_duration(raw, "keep_firing_for", source, timedelta(0)),
        labels=labels,
        annotations=_texts(raw, "annotations", source),
        group=group,
        line=line,
        inlined=expr,
        declarations=declared.get(at_expr, ()),
    )


def _threshold(operand: ast.Expr, comparison: str, number: float) -> Threshold:
    length = promql.window(operand)
    if isinstance(operand, ast.Call) and operand.func.name == "histogram_quantile":
        quantile = promql.constant(operand.args[0])
        if quantile is not None:
            # Rounded, so that 1 - 0.95 reads 0.05 and not 0.050000000000000044.
            return Threshold(
                kind="quantile",
                value=round(1 - quantile, 12),
                objective=number,
                comparison=comparison,
                window=length,
            )
    return Threshold(
        kind="value", value=number, objective=None, comparison=comparison, window=length
    )


def _list(parent: CommentedMap, key: str, source: str, line: int) -> CommentedSeq | tuple[()]:
    value = parent.get(key)
    if value is None:
        return ()
    if not isinstance(value, CommentedSeq):
        raise RuleFileError(f"{source}:{line}: `{key}:` must be a list")
    return value


def _texts(raw: CommentedMap, key: str, source: str) -> Mapping[str, str]:
    value = raw.get(key)
    if value is None:
        return MappingProxyType({})
    if not isinstance(value, CommentedMap):
        raise RuleFileError(f"{source}:{key_line(raw, key)}: `{key}:` must be a mapping")
    return MappingProxyType({str(name): str(text) for name, text in value.items()})
