"""Whether Prometheus runs the rules that the repository has: by their meaning, and evaluated.

One rule: expressions are compared as syntax trees, so that neither layout nor a duration's spelling
is a difference, and everything else is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from scenarios.deployment.seen import Missing, of
from scenarios.deployment.visit import Visit
from scenarios.verdict import Status, Verdict
from stack import promql
from stack.clients.deployed_prometheus import LoadedGroup, LoadedRule
from stack.durations import format_duration
from stack.rules import AlertRule, RecordingRule, RuleGroup, RuleSet

LISTED = 6
"""So many differences are told; the evidence has all."""


def loaded_rules(visit: Visit) -> tuple[LoadedGroup, ...]:
    """See the rules that Prometheus has loaded."""
    return visit.prometheus().loaded_groups()


def differences(rules: RuleSet, loaded: tuple[LoadedGroup, ...]) -> tuple[str, ...]:
    """Return how what is loaded differs from a rule file. Groups of other files don't count."""
    names = {group.name for group in rules.groups}
    found: list[str] = []
    files = {group.file for group in loaded if group.name in names}
    for group in rules.groups:
        same = [one for one in loaded if one.name == group.name]
        if not same:
            found.append(f"group {group.name} is not loaded")
        elif len(same) > 1:
            found.append(f"group {group.name} is loaded {len(same)} times")
        else:
            found += _of_group(group, same[0])
    found += [
        f"group {one.name} is loaded, and not in {rules.source}"
        for one in loaded
        if one.file in files and one.name not in names
    ]
    return tuple(found)


def _of_group(group: RuleGroup, loaded: LoadedGroup) -> Iterator[str]:
    where = f"group {group.name}"
    if group.interval is not None and group.interval != loaded.interval:
        yield f"{where}: interval {_d(loaded.interval)}, in the repository {_d(group.interval)}"
    ours = [_key(rule) for rule in group.rules]
    theirs = [(rule.kind, rule.name) for rule in loaded.rules]
    if ours != theirs:
        missing = [name for kind, name in ours if (kind, name) not in theirs]
        more = [name for kind, name in theirs if (kind, name) not in ours]
        if missing:
            yield f"{where}: {', '.join(missing)} not loaded"
        if more:
            yield f"{where}: {', '.join(more)} loaded, and not in the repository"
        if not missing and not more:
            yield f"{where}: its rules are in another order, or not as many"
        return
    for rule, one in zip(group.rules, loaded.rules, strict=True):
        yield from _of_rule(rule, one)


def _of_rule(rule: AlertRule | RecordingRule, loaded: LoadedRule) -> Iterator[str]:
    if not same_meaning(rule.expr, loaded.expr):
        yield (
            f"{rule.name}: expr is loaded as {_short(loaded.expr)}, "
            f"in the repository {_short(rule.expr)}"
        )
    yield from _of_texts(rule.name, "label", rule.labels, loaded.labels)
    if not isinstance(rule, AlertRule):
        return
    for name, ours, theirs in (
        ("for", rule.for_, loaded.for_),
        ("keep_firing_for", rule.keep_firing_for, loaded.keep_firing_for),
    ):
        if ours != theirs:
            yield f"{rule.name}: {name} is loaded as {_d(theirs)}, in the repository {_d(ours)}"
    yield from _of_texts(rule.name, "annotation", rule.annotations, loaded.annotations)


def _of_texts(
    rule: str, what: str, ours: Mapping[str, str], theirs: Mapping[str, str]
) -> Iterator[str]:
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            yield (
                f"{rule}: {what} {name} is loaded as {_short(theirs.get(name))}, "
                f"in the repository {_short(ours.get(name))}"
            )


def same_meaning(one: str, other: str) -> bool:
    """Tell whether two expressions mean the same, by their trees; else by their letters."""
    try:
        return promql.anatomy(promql.parse(one)) == promql.anatomy(promql.parse(other))
    except promql.PromQLError:
        return one.split() == other.split()


def judge_loaded(seen: tuple[LoadedGroup, ...] | Missing, rules: RuleSet) -> Verdict:
    """Judge that the rules in force are those of the repository."""
    claim = "the rules in force are those of the repository"
    expected = f"{len(rules.rules)} rules of {rules.source}"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    found = differences(rules, seen)
    observed = f"{len(rules.rules)} rules, the same by their meaning"
    look = f"promtool check rules {rules.source}, then reload Prometheus"
    return of(claim, expected, observed, listed(found), look)


def judge_evaluated(seen: tuple[LoadedGroup, ...] | Missing) -> Verdict:
    """Judge that every rule was evaluated, and without an error."""
    claim, expected = "every rule is evaluated", "health ok of each rule"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    rules = [rule for group in seen for rule in group.rules]
    failing = tuple(f"{one.name}: {one.last_error}" for one in rules if one.health == "err")
    waiting = [one.name for one in rules if one.health not in ("ok", "err")]
    if not failing and (waiting or not rules):
        return Verdict(
            claim=claim,
            status=Status.UNKNOWN,
            expected=expected,
            observed=f"{len(waiting)} of {len(rules)} rules were not evaluated yet",
            look="look again after one evaluation interval",
        )
    look = "docs/runbooks/RuleEvaluationFailing.md"
    return of(claim, expected, f"{len(rules)} of {len(rules)} ok", listed(failing), look)


def listed(several: tuple[str, ...]) -> str:
    """Return the first of several lines, and how many are left out."""
    left = len(several) - LISTED
    more = [f"and {left} more"] if left > 0 else []
    return "\n".join([*several[:LISTED], *more])


def _key(rule: AlertRule | RecordingRule) -> tuple[str, str]:
    return ("alerting" if isinstance(rule, AlertRule) else "recording", rule.name)


def _d(duration: timedelta) -> str:
    return format_duration(duration)


def _short(text: str | None) -> str:
    if text is None:
        return "nothing"
    words = " ".join(text.split())
    return repr(words if len(words) <= 80 else f"{words[:77]}...")
