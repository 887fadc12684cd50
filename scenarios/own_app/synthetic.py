"""Drills of alerts that no scenario names: series are played into the stack until the rule fires.

One rule: such a drill is offered only where the series follow from the expression, and says of
itself that it is synthetic: it proves the rule, its route and its receivers, and no service.
"""

from __future__ import annotations

from collections.abc import Mapping

import promql_parser as ast

from scenarios.conditions import Service, steady
from scenarios.faults.play_series import PlaySeries
from scenarios.model import JOB, Drill
from scenarios.scope import LONGEST_WINDOW
from stack import promql
from stack.durations import format_duration
from stack.played import CannotPlay, plays_of
from stack.played.series import UP
from stack.recorded import reads
from stack.rules import AlertRule, RuleSet
from stack.windows import groups_within

CAUSE = "synthetic"

SERVICE_LABEL = "service"


def synthetic(rule: AlertRule, rules: RuleSet, journey: Mapping[str, int]) -> Drill:
    """Return the drill that plays what makes ``rule`` fire.

    Raises:
        CannotPlay: no series follow from the expression, or the alert could not be told from the
            run's others.
    """
    expr = promql.parse(rule.inlined)
    label = rule.labels.get(SERVICE_LABEL, "")
    if label and "$labels.service" not in label:
        raise CannotPlay(f"its service is always {label!r}, and a drill has a service of its own")
    if not keeps(expr, SERVICE_LABEL):
        raise CannotPlay(
            "its alert carries no `service` label, by which drills are told apart: aggregate "
            "`by (service)`"
        )
    if not rule.labels.get("severity"):
        raise CannotPlay("it has no `severity` label, which the first line of each message says")
    if rule.group not in groups_within(rules, LONGEST_WINDOW):
        raise CannotPlay(
            f"its group looks back over more than {format_duration(LONGEST_WINDOW)}, of which no "
            "past is made"
        )
    plays = plays_of(expr)
    for one in plays:
        if one.name == UP and one.labels.get("job") == JOB:
            raise CannotPlay(f"{one.text} is of the services themselves; name another job")
        if SERVICE_LABEL in one.labels:
            raise CannotPlay(f"{one.text} is of one service by name")
    names = {one.name for one in plays}
    beside = {
        other.name
        for other in rules.alerts
        if other.name != rule.name and reads(promql.parse(other.inlined)) & names
    }
    return Drill(
        alert=rule.name,
        cause=CAUSE,
        fault=PlaySeries(averaged=bool(rule.window)),
        service=Service(plays=plays),
        load=steady(per_second=1, journey=journey),
        may_fire=frozenset(beside),
        synthetic=True,
    )


def keeps(expr: ast.Expr, label: str) -> bool:
    """Return whether the result of ``expr`` has a label that its series have."""
    expr = promql.unwrap(expr)
    match expr:
        case ast.VectorSelector() | ast.MatrixSelector():
            return True
        case ast.AggregateExpr():
            modifier = expr.modifier
            if modifier is None:
                return False
            named = label in list(modifier.labels)
            return named if "by" in str(modifier.type).lower() else not named
        case ast.Call() if expr.func.name == "absent":
            return False
        case ast.BinaryExpr():
            sides = [one for one in (expr.lhs, expr.rhs) if promql.constant(one) is None]
            return bool(sides) and keeps(sides[0], label)
        case _:
            return any(keeps(child, label) for child in promql.children(expr))
