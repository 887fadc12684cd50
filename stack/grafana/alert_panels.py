"""The dashboard of all alerts is made from the rules: a panel a rule, its threshold drawn.

Design rule: nothing is typed in. What a rule measures and what it compares with are both queries
of its panel, so that a threshold is changed in the rules and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import promql_parser as ast

from stack import promql
from stack.durations import format_duration
from stack.grafana.addresses import ALERTS_UID, panel_id
from stack.grafana.chosen_service import for_service
from stack.grafana.conditions import Condition, Reading, on_one_line, read_conditions
from stack.grafana.dashboards import PROMETHEUS
from stack.rules import AlertRule, RuleGroup, RuleSet

__all__ = ["THRESHOLD_STYLE", "UNITS", "alerts_dashboard"]

Json = dict[str, Any]

UNITS = {
    "count": "short",
    "factor": "",
    "milliseconds": "ms",
    "per_second": "reqps",
    "percent": "percent",
    "ratio": "percentunit",
    "requests_per_second": "reqps",
    "seconds": "s",
}
"""What Grafana calls the unit in which a threshold's name ends; a factor leaves the other's."""

THRESHOLD_STYLE: Json = {
    "matcher": {"id": "byRegexp", "options": "/^[<>=!]/"},
    "properties": [
        {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
        {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}},
    ],
}
"""A series whose name begins with a sign of comparison is a threshold, in every dashboard."""

_SOURCE = {"type": PROMETHEUS, "uid": PROMETHEUS}
_COLUMNS, _WIDTH, _HEIGHT = 3, 8, 8


def alerts_dashboard(rules: RuleSet) -> Json:
    """Return the dashboard of `rules`, as JSON that is not written yet.

    Raises ValueError for a threshold whose name ends in no unit of `UNITS`.
    """
    panels = [_state_of_all(), *_rows(rules.groups, top=_HEIGHT)]
    return {
        "uid": ALERTS_UID,
        "title": "SoftFactory: alerts",
        "description": "Made by `python -m stack.grafana` from alert-rules.yml; not to be edited.",
        "tags": ["softfactory"],
        "schemaVersion": 39,
        "editable": False,
        "timezone": "utc",
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "1m",
        "graphTooltip": 1,
        "links": [
            {
                "type": "dashboards",
                "title": "SoftFactory",
                "tags": ["softfactory"],
                "includeVars": True,
                "keepTime": True,
            }
        ],
        "templating": {
            "list": [
                {
                    "name": "service",
                    "type": "query",
                    "label": "Service",
                    "datasource": _SOURCE,
                    "query": 'label_values(up{job="softfactory"}, service)',
                    "refresh": 2,
                    "sort": 1,
                    "multi": True,
                    "includeAll": True,
                    "allValue": ".+",
                    "current": {"text": "All", "value": "$__all"},
                }
            ]
        },
        "panels": panels,
    }


def _state_of_all() -> Json:
    return {
        "id": panel_id("firing"),
        "type": "state-timeline",
        "title": "Firing",
        "datasource": _SOURCE,
        "gridPos": {"x": 0, "y": 0, "w": _COLUMNS * _WIDTH, "h": _HEIGHT},
        "targets": [
            {
                "refId": "A",
                "legendFormat": "{{alertname}} {{service}}",
                "expr": (
                    'max by (alertname, service) (ALERTS{alertname!="Watchdog",'
                    'alertstate="firing",service=~"$service|prometheus|alertmanager"})'
                ),
            }
        ],
        "fieldConfig": {
            "defaults": {
                "mappings": [
                    {"type": "value", "options": {"1": {"text": "firing", "color": "red"}}}
                ]
            },
            "overrides": [],
        },
    }


def _rows(groups: Sequence[RuleGroup], top: int) -> Iterator[Json]:
    for group in groups:
        alerts = [rule for rule in group.rules if isinstance(rule, AlertRule)]
        if not alerts:
            continue
        yield {
            "id": panel_id(f"group {group.name}"),
            "type": "row",
            "title": group.name,
            "collapsed": False,
            "gridPos": {"x": 0, "y": top, "w": _COLUMNS * _WIDTH, "h": 1},
            "panels": [],
        }
        top += 1
        for at, rule in enumerate(alerts):
            line, column = divmod(at, _COLUMNS)
            place = {"x": column * _WIDTH, "y": top + line * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            yield _panel(rule, place)
        top += (len(alerts) + _COLUMNS - 1) // _COLUMNS * _HEIGHT


def _panel(rule: AlertRule, place: Json) -> Json:
    reading = read_conditions(promql.parse(rule.expr))
    after = f"after {format_duration(rule.for_)}" if rule.for_ else "at once"
    return {
        "id": panel_id(rule.name),
        "type": "timeseries",
        "title": rule.name,
        "description": f"{rule.labels['severity']}, {after}: {reading.sentence}",
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": [target for _, target in _targets(reading)],
        "links": [{"title": "Runbook", "url": rule.annotations["runbook_url"]}],
        "fieldConfig": {
            "defaults": {"unit": _unit(reading.deciding)},
            "overrides": [THRESHOLD_STYLE, *_on_the_right(reading)],
        },
    }


def _targets(reading: Reading) -> Iterator[tuple[Condition, Json]]:
    """Yield each thing measured once, and after it the limits that no other drew."""
    several = len({one.letter for one in reading.conditions}) > 1
    measured: set[str] = set()
    drawn: dict[str, str] = {}
    for one in reading.conditions:
        if one.letter not in measured:
            measured.add(one.letter)
            yield (
                one,
                {
                    "refId": one.letter,
                    "legendFormat": (f"{one.letter} " if several else "") + _legend(one.measured),
                    "expr": on_one_line(for_service(one.measured)),
                },
            )
        limit = "" if one.limit is None else _drawable(one.limit)
        if limit and limit not in drawn:
            before = list(drawn.values()).count(one.letter)
            drawn[limit] = one.letter
            yield (
                one,
                {
                    "refId": f"{one.letter} limit" + (f" {before + 1}" if before else ""),
                    "legendFormat": f"{one.sign} {one.limit_name}",
                    "expr": limit,
                },
            )


def _on_the_right(reading: Reading) -> Iterator[Json]:
    """Yield how what does not decide is shown: in its own unit, on an axis of its own."""
    unit = _unit(reading.deciding)
    for condition, target in _targets(reading):
        own = _unit(condition)
        if own != unit:
            yield {
                "matcher": {"id": "byFrameRefID", "options": target["refId"]},
                "properties": [
                    {"id": "unit", "value": own},
                    {"id": "custom.axisPlacement", "value": "right"},
                ],
            }


def _drawable(limit: ast.Expr) -> str:
    number = promql.constant(limit)
    return on_one_line(limit) if number is None else f"vector({number:g})"


def _unit(condition: Condition) -> str:
    """Return the unit of what is measured, which is that of the threshold it is held against."""
    for name in condition.thresholds:
        ending = name.rpartition(":")[2]
        if ending not in UNITS:
            raise ValueError(
                f"{name} ends in no unit that a panel knows; known: {', '.join(UNITS)}"
            )
        if UNITS[ending]:
            return UNITS[ending]
    return "short"


def _legend(measured: ast.Expr) -> str:
    """Return what tells the series of `measured` apart: the labels that it is grouped by.

    Where it is one recorded series, the end of that one's name stands before them.
    """
    recorded = promql.metric_name(measured) if isinstance(measured, ast.VectorSelector) else ""
    grouped = next(_groupings(measured), None) or ("service",)
    labels = (f"{{{{{label}}}}}" for label in grouped if label != "le")
    return " ".join((*filter(None, [recorded.rpartition(":")[2]]), *labels))


def _groupings(expr: ast.Expr) -> Iterator[Sequence[str]]:
    if isinstance(expr, ast.AggregateExpr) and expr.modifier is not None:
        yield expr.modifier.labels
    for child in promql.children(expr):
        yield from _groupings(child)
