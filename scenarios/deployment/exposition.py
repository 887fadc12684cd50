"""Whether Prometheus can read what the service exposes, and finds in it what the rules read.

One rule: which metrics those are is read from the rules, never typed in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import promql_parser as ast
import requests
from prometheus_client.parser import text_string_to_metric_families

from scenarios.deployment.seen import Missing, NotSeen, of
from scenarios.deployment.visit import Answer, Visit
from scenarios.model import JOB
from scenarios.verdict import Verdict
from stack import promql
from stack.clients.failure import ASKS_WHO
from stack.rules import RuleSet

ENDPOINT = "prometheus"

CONTENT_TYPE = "text/plain"
"""What is served to who accepts nothing else; Prometheus 3 refuses a type that it does not know."""

_ADDED_BY_PROMETHEUS = ("up", "scrape_")
"""What a scrape adds, of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposition:
    """What one instance exposes.

    Attributes:
        url: where.
        names: of all its samples.
        problem: why Prometheus can't read it, or "".
    """

    url: str
    names: frozenset[str]
    problem: str = ""


def expositions(visit: Visit) -> tuple[Exposition, ...]:
    """See the metrics that the service exposes."""
    target = visit.target
    found = []
    for service in target.services:
        path = target.endpoint(ENDPOINT)
        url = service.url + path
        try:
            answer = visit.get(service, path, {"Accept": CONTENT_TYPE})
        except requests.RequestException as error:
            raise visit.not_seen(url, error) from error
        if answer.status in ASKS_WHO:
            raise NotSeen(
                f"{url} answers {answer.status}: it asks who is asking",
                "--token-file names the file with the token that it asks for",
            )
        found.append(read_exposition(answer))
    return tuple(found)


def read_exposition(answer: Answer) -> Exposition:
    """Return what an answer exposes. Pure."""
    if answer.status != requests.codes.ok:
        return Exposition(url=answer.url, names=frozenset(), problem=f"it answers {answer.status}")
    kind = answer.content_type.partition(";")[0].strip()
    if kind != CONTENT_TYPE:
        return Exposition(
            url=answer.url,
            names=frozenset(),
            problem=f"its Content-Type is {answer.content_type or 'missing'!r}, "
            "which Prometheus refuses",
        )
    try:
        names = frozenset(
            sample.name
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        )
    except ValueError as error:
        return Exposition(url=answer.url, names=frozenset(), problem=f"it can't be parsed: {error}")
    return Exposition(url=answer.url, names=names)


def read_by_rules(rules: RuleSet) -> Mapping[str, frozenset[str]]:
    """Return the metrics of the service that each alert reads, directly or by recorded series."""
    found = {
        rule.name: frozenset(
            name
            for selector in _selectors(promql.parse(rule.inlined))
            if _of_the_service(selector)
            and (name := promql.metric_name(selector))
            and not name.startswith(_ADDED_BY_PROMETHEUS)
        )
        for rule in rules.alerts
    }
    return {alert: names for alert, names in found.items() if names}


def _selectors(expr: ast.Expr) -> Iterator[ast.VectorSelector]:
    if isinstance(expr, ast.VectorSelector):
        yield expr
    for child in promql.children(expr):
        yield from _selectors(child)


def _of_the_service(selector: ast.VectorSelector) -> bool:
    return any(
        one.name == "job" and one.op == ast.MatchOp.Equal and one.value == JOB
        for one in selector.matchers.matchers
    )


def judge_format(seen: tuple[Exposition, ...] | Missing) -> Verdict:
    """Judge that Prometheus can read every exposition."""
    claim, expected = "Prometheus can read the metrics", f"{CONTENT_TYPE}, in its format"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    wrong = [f"{one.url}: {one.problem or 'it is empty'}" for one in seen if not one.names]
    samples = sum(len(one.names) for one in seen)
    return of(claim, expected, f"{samples} names of samples", "\n".join(wrong))


def judge_names(
    seen: tuple[Exposition, ...] | Missing, rules: RuleSet, unused: Collection[str]
) -> Verdict:
    """Judge that every metric is there that an alert reads; `unused` alerts are not asked about."""
    claim = "the metrics are there that the rules read"
    wanted = {alert: names for alert, names in read_by_rules(rules).items() if alert not in unused}
    every = frozenset().union(*wanted.values())
    expected = f"{len(every)} metrics, for {len(wanted)} alerts"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    if not every:
        why = f"no alert of {rules.source} reads a metric of job {JOB!r} by name"
        return Missing(why=why).verdict(claim, expected)
    if any(one.problem for one in seen):
        return Missing(why="the metrics could not be read").verdict(claim, expected)
    wrong = [
        f"{one.url} has no {', '.join(sorted(missing))}: {alert} can't fire"
        for one in seen
        for alert, names in sorted(wanted.items())
        if (missing := names - one.names)
    ]
    look = "where the service has nothing of the kind: --without-alert NAME"
    return of(claim, expected, f"{len(every)} of {len(every)}", "\n".join(wrong), look)
