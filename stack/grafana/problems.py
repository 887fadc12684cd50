"""What is wrong with dashboards, one complaint a line; each begins with where it stands.

Design rule: a judge reads dashboards and what is known, looks at nothing else, and prints nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations

import promql_parser as ast

from stack import promql
from stack.grafana.addresses import panel_id, panel_link
from stack.grafana.chosen_service import is_of_a_service, is_of_the_chosen
from stack.grafana.dashboards import (
    ELASTICSEARCH,
    PROMETHEUS,
    Dashboard,
    DashboardError,
    Query,
    concrete,
)
from stack.grafana.lucene import LuceneError, read_clauses
from stack.recorded import constant_of, reads
from stack.rules import RuleSet
from stack.selectors import selectors

__all__ = [
    "alerts_not_shown",
    "duplicates",
    "not_askable",
    "not_of_the_chosen_service",
    "shown_metrics",
    "typed_thresholds",
    "unknown_fields",
    "unknown_metrics",
    "unknown_sources",
    "unlike_the_others",
]

_OF_EVERY_TARGET = frozenset({"job", "service", "instance"})
_STATES = frozenset({0.0, 1.0})
"""The numbers that may stand in a panel: those of a state, as in the rules."""

_ADDRESS = re.compile(r"^/d/([\w-]+)")
_KEYS = frozenset(
    {
        *("uid", "title", "description", "tags", "schemaVersion", "editable", "timezone"),
        *("time", "refresh", "graphTooltip", "links", "templating", "panels"),
    }
)


def duplicates(dashboards: Sequence[Dashboard]) -> list[str]:
    """Dashboards with one uid or title, panels with one id or place, questions with one name."""
    found = [
        f"{', '.join(each.file for each in dashboards if each.uid == uid)}: all have the uid {uid}"
        for uid, times in Counter(each.uid for each in dashboards).items()
        if times > 1
    ]
    found += [
        f"{', '.join(each.file for each in dashboards if each.title == title)}: all are {title!r}"
        for title, times in Counter(each.title for each in dashboards).items()
        if times > 1
    ]
    for dashboard in dashboards:
        found += [
            f"{dashboard.file}: {panel.title}: has {times} questions called {name}"
            for panel in dashboard.panels
            for name, times in Counter(query.ref_id for query in panel.queries).items()
            if times > 1
        ]
        for one, other in combinations(dashboard.panels, 2):
            if one.id == other.id:
                found.append(f"{dashboard.file}: {one.title} and {other.title} have id {one.id}")
            if one.overlaps(other):
                found.append(f"{dashboard.file}: {one.title} and {other.title} overlap")
    return found


def not_askable(dashboards: Sequence[Dashboard]) -> list[str]:
    """Questions that are no PromQL or no Lucene, unknown variables, panels without a question."""
    found = [
        f"{dashboard.file}: {panel.title}: asks nothing"
        for dashboard in dashboards
        for panel in dashboard.panels
        if panel.type != "row" and not panel.queries
    ]
    for dashboard in dashboards:
        for where, query in dashboard.queries:
            try:
                text = concrete(query)
                if query.kind == PROMETHEUS:
                    promql.parse(text)
                else:
                    read_clauses(text)
            except (DashboardError, promql.PromQLError, LuceneError) as error:
                found.append(f"{where}: {error}")
    return found


def unknown_metrics(
    dashboards: Sequence[Dashboard], known: Mapping[str, Collection[str]]
) -> list[str]:
    """Series that nothing exports or records, and labels that they don't have.

    `known` gives each series' labels, without those that discovery adds to every target.
    """
    found = []
    for where, expr in _expressions(dashboards):
        for selector in selectors(expr):
            name = promql.metric_name(selector)
            if name not in known:
                found.append(f"{where}: nothing exports {name or selector.prettify()}")
                continue
            asked = {each.name for each in selector.matchers.matchers} - {"__name__"}
            found += [
                f"{where}: {name} has no label {label}"
                for label in sorted(asked - _OF_EVERY_TARGET - set(known[name]))
            ]
        for label, inside in _groupings(expr):
            read = [promql.metric_name(each) for each in selectors(inside)]
            if label not in _OF_EVERY_TARGET.union(*(known.get(name, ()) for name in read)):
                found.append(f"{where}: {', '.join(read)} has no label {label} to group by")
    return found


def shown_metrics(dashboards: Sequence[Dashboard]) -> frozenset[str]:
    """Return the names of all series that any panel asks for."""
    return frozenset().union(*(reads(expr) for _, expr in _expressions(dashboards)))


def unknown_fields(dashboards: Sequence[Dashboard], known: Collection[str]) -> list[str]:
    """Log fields that no record has."""
    return [
        f"{where}: no record has the field {field}"
        for dashboard in dashboards
        for where, query in dashboard.queries
        for field in dict.fromkeys(query.fields)
        if field not in known
    ]


def unknown_sources(dashboards: Sequence[Dashboard], provisioned: Mapping[str, str]) -> list[str]:
    """Data sources that are not provisioned, or are of another kind. `provisioned`: uid to kind."""
    return [
        f"{where}: no data source {query.source} of the kind {query.kind} is provisioned"
        for dashboard in dashboards
        for where, query in dashboard.queries
        if provisioned.get(query.source) != query.kind
    ]


def typed_thresholds(dashboards: Sequence[Dashboard]) -> list[str]:
    """Thresholds that are numbers of the dashboard's own, and numbers that Grafana would take."""
    found = []
    for dashboard in dashboards:
        for panel in dashboard.panels:
            typed = [f"{step:g}" for step in panel.steps if step not in _STATES]
            if typed:
                found.append(f"{dashboard.file}: {panel.title}: {', '.join(typed)} is typed in")
            if panel.takes_grafanas_thresholds:
                found.append(
                    f"{dashboard.file}: {panel.title}: would turn red at 80, Grafana's own "
                    'threshold; give it steps, mappings, or `"colorMode": "none"`'
                )
        for where, query in dashboard.queries:
            if query.kind == ELASTICSEARCH:
                found += [
                    f"{where}: {one.sign}{one.value} is typed in"
                    for one in read_clauses(query.text)
                    if one.sign and one.value[:1].isdigit()
                ]
    for where, expr, query in _parsed(dashboards):
        numbers = {number for number in _compared(expr) if number not in _STATES}
        drawn = constant_of(expr) if query.draws_a_threshold else None
        if drawn is not None and drawn not in _STATES:
            numbers.add(drawn)
        found += [f"{where}: {number:g} is typed in" for number in sorted(numbers)]
        if query.draws_a_threshold and drawn is None and not _is_a_threshold(expr):
            found.append(f"{where}: is drawn as a threshold and reads no recorded one")
    return found


def not_of_the_chosen_service(dashboards: Sequence[Dashboard]) -> list[str]:
    """Questions about a service that ask about all of them, whichever is chosen."""
    return [
        f'{where}: {selector.prettify()} lacks service=~"$service"'
        for where, expr, query in _parsed(dashboards)
        if not query.ref_id.startswith("$")  # it fills the choice
        for selector in selectors(expr)
        if is_of_a_service(selector) and not is_of_the_chosen(selector)
    ]


def alerts_not_shown(alerts: Dashboard, rules: RuleSet) -> list[str]:
    """Rules that lead to no panel of theirs, and panels that leave out something of their rule."""
    found = []
    for rule in rules.alerts:
        panel = alerts.panel(panel_id(rule.name))
        if panel is None:
            found.append(f"{alerts.file}: {rule.name} has no panel with the id of its address")
            continue
        where = f"{alerts.file}: {rule.name}"
        if panel.title != rule.name:
            found.append(f"{where}: its panel is called {panel.title}")
        if rule.annotations["runbook_url"] not in panel.links:
            found.append(f"{where}: its panel does not link its runbook")
        link = panel_link(rule.name, rule.labels.get("service", ""))
        if rule.annotations.get("dashboard_url") != link:
            found.append(f"{where}: its rule leads elsewhere; write dashboard_url: {link!r}")
        shown = frozenset().union(*(_reads(query) for query in panel.queries))
        found += [
            f"{where}: {name}, which it reads, is not shown"
            for name in sorted(reads(promql.parse(rule.expr)) - shown)
        ]
        if rule.threshold and not any(query.draws_a_threshold for query in panel.queries):
            found.append(f"{where}: no threshold is drawn")
    ours = {panel_id(rule.name) for rule in rules.alerts}
    found += [
        f"{alerts.file}: {panel.title} is no alert of {rules.source}"
        for panel in alerts.panels
        if panel.type == "timeseries" and panel.id not in ours
    ]
    return found


def unlike_the_others(dashboards: Sequence[Dashboard]) -> list[str]:
    """What differs without a reason: zone, version, tag, variable; what an export leaves behind."""
    found = []
    uids = {dashboard.uid for dashboard in dashboards}
    for dashboard in dashboards:
        if dashboard.timezone != "utc":
            found.append(f"{dashboard.file}: its times are {dashboard.timezone}, not UTC")
        if dashboard.schema_version != _most(each.schema_version for each in dashboards):
            found.append(f"{dashboard.file}: its schemaVersion is {dashboard.schema_version}")
        if "softfactory" not in dashboard.tags:
            found.append(f"{dashboard.file}: no other links to it, as it lacks the tag softfactory")
        if dashboard.variables.get("service") is None:
            found.append(f"{dashboard.file}: no service can be chosen")
        found += [
            f"{dashboard.file}: `{key}` is what an export leaves behind"
            for key in sorted(dashboard.keys - _KEYS)
        ]
        found += [
            f"{dashboard.file}: {panel.title}: {link} leads to no dashboard"
            for panel in dashboard.panels
            for link in panel.links
            if (address := _ADDRESS.match(link)) and address[1] not in uids
        ]
    return found


def _parsed(dashboards: Sequence[Dashboard]) -> Iterator[tuple[str, ast.Expr, Query]]:
    """Yield every PromQL question, with Grafana's variables where they stand inside a string."""
    for dashboard in dashboards:
        for where, query in dashboard.queries:
            if query.kind == PROMETHEUS:
                yield where, promql.parse(concrete(query, keep={"service"})), query


def _expressions(dashboards: Sequence[Dashboard]) -> Iterator[tuple[str, ast.Expr]]:
    for where, expr, _ in _parsed(dashboards):
        yield where, expr


def _reads(query: Query) -> frozenset[str]:
    return reads(promql.parse(concrete(query)))


def _groupings(expr: ast.Expr) -> Iterator[tuple[str, ast.Expr]]:
    """Yield each label that something is grouped by, with what is grouped."""
    if isinstance(expr, ast.AggregateExpr) and expr.modifier is not None:
        for label in expr.modifier.labels:
            yield label, expr.expr
    for child in promql.children(expr):
        yield from _groupings(child)


def _compared(expr: ast.Expr) -> Iterator[float]:
    """Yield every number that something in `expr` is compared with."""
    if isinstance(expr, ast.BinaryExpr) and promql.operator(expr) in promql.COMPARISONS:
        for side in (expr.lhs, expr.rhs):
            number = promql.constant(side)
            number = constant_of(side) if number is None else number
            if number is not None:
                yield number
    for child in promql.children(expr):
        yield from _compared(child)


def _is_a_threshold(expr: ast.Expr) -> bool:
    return any(name.startswith("threshold:") for name in reads(expr))


def _most(versions: Iterator[int]) -> int:
    return Counter(versions).most_common(1)[0][0]
