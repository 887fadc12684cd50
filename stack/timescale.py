"""A scaled rule file differs from its original in durations and declared numbers, no more."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import LiteralScalarString

from stack import dimensions, promql
from stack.declarations import EXAMPLE
from stack.dimensions import Recorded
from stack.durations import divide, format_duration
from stack.promql_rewrite import rewrite
from stack.rules import AlertRule, RecordingRule, RuleSet, load_rules
from stack.windows import INTERVAL_FLOOR, SCRAPES_PER_WINDOW, floor_of, largest_of
from stack.yamlfile import (
    ConfigurationError,
    key_line,
    read_duration,
    read_yaml,
    write_yaml,
)

__all__ = [
    "Change",
    "ScaledRules",
    "TimeScaleError",
    "check_time_scale",
    "scale_interval",
    "scale_rules",
]

_SCALED_KEYS = frozenset({"for", "keep_firing_for", "interval", "query_offset", "expr"})


class TimeScaleError(ConfigurationError):
    """A file can't be scaled as it is; the message starts with `file:line` and says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference between a production file and a drill's copy; "" where a side has nothing."""

    file: str
    where: str
    production: str
    drill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledRules:
    """A drill's rule file, and everything in which it differs from production's."""

    text: str
    changes: tuple[Change, ...]


def check_time_scale(k: float) -> None:
    """Raise TimeScaleError unless `k` is finite and at least 1."""
    if not math.isfinite(k) or k < 1:
        raise TimeScaleError(f"time scale {k:g}: must be a finite number, 1 or larger")


def scale_interval(interval: timedelta, k: float) -> timedelta:
    """Divide a scrape or evaluation interval by `k`, but not below INTERVAL_FLOOR of real time.

    An interval that production itself keeps shorter than the floor is left as it is.
    """
    return max(divide(interval, k), min(interval, INTERVAL_FLOOR))


def scale_rules(
    text: str,
    k: float,
    *,
    scrape_interval: timedelta | None = None,
    source: str = "<rules>",
    groups: Collection[str] | None = None,
) -> ScaledRules:
    """Divide every duration of a rule file by `k`, and the numbers that it declares as scaled.

    Durations are `for`, `keep_firing_for`, a group's `interval`, range selectors, offsets, and
    ranges and steps of subqueries, rounded to the millisecond. `scrape_interval` is production's
    (the longest, if jobs differ); without it only the floor is checked. Only the groups named in
    `groups` are kept (None: all), and what is left out is listed. `k` = 1 scales nothing and asks
    for no declarations. Raises TimeScaleError naming file, line and rule, and RuleFileError for
    groups that can't be taken alone.
    """
    chosen = None if groups is None else frozenset(groups)
    return _scale_rules(text, k, scrape_interval, source, chosen)


@lru_cache(maxsize=16)  # a run derives the same rules once a stack
def _scale_rules(
    text: str,
    k: float,
    scrape_interval: timedelta | None,
    source: str,
    groups: frozenset[str] | None,
) -> ScaledRules:
    check_time_scale(k)
    original = load_rules(text, source)
    changes: list[Change] = []
    document = read_yaml(text, source)
    if groups is not None:
        original = original.only(groups)
        changes += _leave_out(document, groups, source)
    if k == 1:
        return ScaledRules(text=write_yaml(document) if changes else text, changes=tuple(changes))
    recorded = _recorded_exponents(original)
    thresholds = _threshold_exponents(original, recorded)
    for group, raw_group in zip(original.groups, document.get("groups") or (), strict=True):
        where = f"group {group.name}"
        changes += _scale_keys(raw_group, {"interval": scale_interval}, k, source, where)
        changes += _scale_keys(raw_group, {"query_offset": divide}, k, source, where)
        for rule, raw in zip(group.rules, raw_group.get("rules") or (), strict=True):
            at = f"{source}:{key_line(raw, 'expr')}: {rule.name}"
            _check_windows(rule, k, scrape_interval, at)
            expression = _scale_expression(rule, k, recorded, thresholds.get(rule.name, 1.0), at)
            changes += _scale_keys(
                raw, {"for": divide, "keep_firing_for": divide}, k, source, rule.name
            )
            changes += _expression_changes(rule, expression, source)
            raw["expr"] = LiteralScalarString(expression) if "\n" in expression else expression
    result = write_yaml(document)
    _verify(text, result, k, source, original)
    return ScaledRules(text=result, changes=tuple(changes))


def _leave_out(document: CommentedMap, groups: Collection[str], source: str) -> list[Change]:
    """Take the groups out of `document` that `groups` does not name, and return what went."""
    raw = document.get("groups") or []
    changes = []
    for index in reversed(range(len(raw))):
        if raw[index]["name"] not in groups:
            gone = raw.pop(index)
            rules = [str(each.get("alert") or each["record"]) for each in gone.get("rules") or ()]
            changes.append(
                Change(
                    file=source,
                    where=f"group {gone['name']}",
                    production=", ".join(dict.fromkeys(rules)),
                    drill="",
                )
            )
    return changes[::-1]


def _recorded_exponents(rules: RuleSet) -> Recorded:
    """Return the exponent of each recorded series; an alert on it is judged by its source."""
    recorded: dict[str, float | None] = {}
    for rule in rules.recordings:
        if rule.constant is not None:
            recorded[rule.name] = None
            continue
        try:
            recorded[rule.name] = dimensions.exponent(promql.parse(rule.expr), recorded)
        except dimensions.DimensionError as error:
            raise TimeScaleError(f"{rules.source}:{rule.line}: {rule.name}: {error}") from error
    return recorded


def _threshold_exponents(rules: RuleSet, recorded: Recorded) -> Mapping[str, float]:
    """Return the exponent of each threshold that means time, from the rules that read it.

    Raises TimeScaleError at the threshold's record when it is not declared there.
    """
    found: dict[str, float] = {}
    readers: dict[str, str] = {}
    for rule in rules.rules:
        try:
            read = dimensions.threshold_exponents(promql.parse(rule.expr), recorded)
        except dimensions.DimensionError as error:
            raise TimeScaleError(f"{rules.source}:{rule.line}: {rule.name}: {error}") from error
        for name, exponent in read.items():
            if found.setdefault(name, exponent) != exponent:
                raise TimeScaleError(
                    f"{rules.source}:{rule.line}: {rule.name} holds {name} against a quantity that "
                    f"changes with its window otherwise than in {readers[name]}; give each a "
                    "threshold of its own"
                )
            readers.setdefault(name, rule.name)
    for rule in rules.recordings:
        value = rule.constant
        means_time = value and math.isfinite(value) and found.get(rule.name)
        if means_time and not rule.declarations:
            raise TimeScaleError(
                f"{rules.source}:{rule.line}: {rule.name}: {value:g} means a time, or a count over "
                f"a window, in {readers[rule.name]}, and does not survive time scaling as it is; "
                f"prefer a rate or a ratio, or declare it: {EXAMPLE}"
            )
    return {name: exponent for name, exponent in found.items() if exponent}


def _scale_expression(
    rule: AlertRule | RecordingRule, k: float, recorded: Recorded, default: float, where: str
) -> str:
    expr = promql.parse(rule.expr)
    try:
        constants = dimensions.scaled_constants(
            expr, rule.declarations, k=k, recorded=recorded, default=default
        )
        if not constants and not promql.anatomy(expr).durations:
            return rule.expr.strip()  # nothing to scale: keep the author's own layout
        return rewrite(expr, duration=lambda value: divide(value, k), constants=constants).strip()
    except (dimensions.DimensionError, promql.PromQLError) as error:
        raise TimeScaleError(f"{where}: {error}") from error


def _check_windows(
    rule: AlertRule | RecordingRule, k: float, scrape_interval: timedelta | None, where: str
) -> None:
    """Refuse a window that would hold too few scrapes, and name the largest `k` that works.

    The largest is that of `largest_of`, as long as production's own window holds four scrapes.
    """
    windows = promql.ranges(promql.parse(rule.expr))
    if not windows:
        return
    shortest = min(windows)
    length = format_duration(shortest)
    if scrape_interval is not None and shortest < SCRAPES_PER_WINDOW * scrape_interval:
        raise TimeScaleError(
            f"{where}: its window [{length}] holds fewer than {SCRAPES_PER_WINDOW} scrapes of "
            f"{format_duration(scrape_interval)} in production already; widen it, "
            "or use time scale 1"
        )
    floor = floor_of(scrape_interval)
    largest = largest_of(shortest, floor)
    if k > largest:
        raise TimeScaleError(
            f"{where}: at time scale {k:g} its window [{length}] would hold fewer than "
            f"{SCRAPES_PER_WINDOW} scrapes at the shortest interval of {format_duration(floor)}; "
            f"the largest time scale that works is {max(largest, 1):g}"
        )


def _scale_keys(
    raw: CommentedMap,
    keys: Mapping[str, Callable[[timedelta, float], timedelta]],
    k: float,
    source: str,
    where: str,
) -> list[Change]:
    """Scale the durations that stand directly in `raw`, and return what became different."""
    changes = []
    for key, scale in keys.items():
        if raw.get(key) is None:
            continue
        before = read_duration(raw, key, source, timedelta(0))
        after = scale(before, k)
        if after != before:
            changes.append(
                Change(
                    file=source,
                    where=f"{where}: {key}",
                    production=str(raw[key]),
                    drill=format_duration(after),
                )
            )
            raw[key] = format_duration(after)
    return changes


def _expression_changes(
    rule: AlertRule | RecordingRule, expression: str, source: str
) -> list[Change]:
    """Return what a rewritten expression says differently; its layout is nobody's concern."""
    before = promql.anatomy(promql.parse(rule.expr))
    after = promql.anatomy(promql.parse(expression))

    def change(what: str, production: Sequence[str], drill: Sequence[str]) -> list[Change]:
        pairs = [pair for pair in zip(production, drill, strict=True) if pair[0] != pair[1]]
        if not pairs:
            return []
        return [
            Change(
                file=source,
                where=f"{rule.name}: {what} in expr",
                production=", ".join(pair[0] for pair in pairs),
                drill=", ".join(pair[1] for pair in pairs),
            )
        ]

    return [
        *change("durations", _signed(before.durations), _signed(after.durations)),
        *change(
            "numbers",
            [f"{number:g}" for number in before.constants],
            [f"{number:g}" for number in after.constants],
        ),
    ]


def _signed(durations: Sequence[timedelta]) -> list[str]:
    zero = timedelta(0)
    return [("-" if each < zero else "") + format_duration(abs(each)) for each in durations]


def _verify(original: str, scaled: str, k: float, source: str, before: RuleSet) -> None:
    """Read both texts again, and refuse unless every duration is divided and the rest is the same.

    Declared numbers are compared where they are replaced, by `rewrite`.
    """
    problem = f"{source}:1: scaling changed more than durations; please report this"
    names = {group.name for group in before.groups}
    if _without_durations(original, names) != _without_durations(scaled, names):
        raise TimeScaleError(problem)
    after = load_rules(scaled, source)
    for ours, theirs in zip(before.rules, after.rules, strict=True):
        whole = promql.anatomy(promql.parse(ours.expr))
        parts = promql.anatomy(promql.parse(theirs.expr))
        divided = tuple(divide(each, k) for each in whole.durations)
        if repr((whole.shape, divided)) != repr((parts.shape, parts.durations)):
            raise TimeScaleError(problem)
        if isinstance(ours, AlertRule) and isinstance(theirs, AlertRule):
            expected = (divide(ours.for_, k), divide(ours.keep_firing_for, k))
            if (theirs.for_, theirs.keep_firing_for) != expected:
                raise TimeScaleError(problem)


def _without_durations(text: str, groups: Collection[str]) -> object:
    def strip(node: object) -> object:
        if isinstance(node, dict):
            return {key: strip(each) for key, each in node.items() if key not in _SCALED_KEYS}
        return [strip(each) for each in node] if isinstance(node, list) else node

    document = dict(read_yaml(text, "<rules>"))
    kept = [each for each in document.get("groups") or () if each["name"] in groups]
    return strip({**document, "groups": kept})
