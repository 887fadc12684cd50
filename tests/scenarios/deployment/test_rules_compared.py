"""Loaded rules are those of a file by their meaning; each difference is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from scenarios.deployment.rules import (
    differences,
    judge_evaluated,
    judge_loaded,
    listed,
    same_meaning,
)
from scenarios.deployment.seen import Missing
from scenarios.verdict import Status
from stack.clients.deployed_prometheus import LoadedGroup, LoadedRule
from stack.rules import load_rules

RULES = load_rules(
    """\
groups:
  - name: requests
    interval: 15s
    rules:
      - {record: threshold:errors, expr: vector(0.05)}
      - alert: HighErrorRate
        expr: |
          sum by (service) (rate(errors_total{job="a", b="c"}[5m]))
            / sum by (service) (rate(requests_total[5m])) > scalar(threshold:errors)
        for: 5m
        labels: {severity: HIGH}
        annotations: {summary: "too many"}
""",
    "alert-rules.yml",
)
ALERT = LoadedRule(
    kind="alerting",
    name="HighErrorRate",
    expr='sum by (service) (rate(errors_total{b="c",job="a"}[300s])) / '
    "sum by (service) (rate(requests_total[5m])) > scalar(threshold:errors)",
    for_=timedelta(minutes=5),
    keep_firing_for=timedelta(0),
    labels={"severity": "HIGH"},
    annotations={"summary": "too many"},
    health="ok",
    last_error="",
)
RECORD = replace(
    ALERT, kind="recording", name="threshold:errors", expr="vector(0.05)", labels={}, annotations={}
)
GROUP = LoadedGroup(
    name="requests",
    file="/etc/prometheus/alert-rules.yml",
    interval=timedelta(seconds=15),
    rules=(RECORD, ALERT),
)


def told(*groups: LoadedGroup) -> str:
    return "\n".join(differences(RULES, groups))


def test_layout_order_of_matchers_and_spelling_of_durations_are_no_difference() -> None:
    assert told(GROUP) == ""
    assert judge_loaded((GROUP,), RULES).status is Status.PASS


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (replace(ALERT, expr=ALERT.expr.replace("300s", "6m")), "expr is loaded as"),
        (replace(ALERT, expr=ALERT.expr.replace('"c"', '"d"')), "expr is loaded as"),
        (replace(ALERT, expr=ALERT.expr.replace("> ", ">= ")), "expr is loaded as"),
        (replace(ALERT, for_=timedelta(minutes=10)), "for is loaded as 10m, in the repository 5m"),
        (replace(ALERT, keep_firing_for=timedelta(seconds=30)), "keep_firing_for is loaded as 30s"),
        (replace(ALERT, labels={"severity": "LOW"}), "label severity is loaded as 'LOW'"),
        (replace(ALERT, labels={**ALERT.labels, "team": "a"}), "label team is loaded as 'a'"),
        (replace(ALERT, annotations={}), "annotation summary is loaded as nothing"),
    ],
)
def test_another_rule_is_told_by_what_differs(rule: LoadedRule, says: str) -> None:
    found = told(replace(GROUP, rules=(RECORD, rule)))
    assert f"HighErrorRate: {says}" in found
    assert judge_loaded((replace(GROUP, rules=(RECORD, rule)),), RULES).status is Status.FAIL


def test_another_threshold_is_told() -> None:
    rules = (replace(RECORD, expr="vector(0.5)"), ALERT)
    assert "threshold:errors: expr is loaded as 'vector(0.5)'" in told(replace(GROUP, rules=rules))


def test_missing_and_additional_rules_groups_and_orders_are_told() -> None:
    assert "group requests is not loaded" in told()
    assert "HighErrorRate not loaded" in told(replace(GROUP, rules=(RECORD,)))
    assert "in another order" in told(replace(GROUP, rules=(ALERT, RECORD)))
    assert "interval 1m, in the repository 15s" in told(
        replace(GROUP, interval=timedelta(minutes=1))
    )
    assert "loaded 2 times" in told(GROUP, GROUP)
    old = replace(GROUP, name="old")
    assert "group old is loaded, and not in alert-rules.yml" in told(GROUP, old)
    more = (RECORD, ALERT, replace(ALERT, name="Old"))
    assert "Old loaded, and not in the repository" in told(replace(GROUP, rules=more))


def test_groups_of_anothers_file_are_nobodys_business() -> None:
    assert told(GROUP, replace(GROUP, name="theirs", file="/etc/prometheus/theirs.yml")) == ""


def test_what_our_parser_cannot_read_is_compared_by_its_words() -> None:
    assert same_meaning("a ?? b", "a  ??  b")
    assert not same_meaning("a ?? b", "a ?? c")


def test_a_rule_that_fails_or_was_not_evaluated_is_told() -> None:
    assert judge_evaluated((GROUP,)).status is Status.PASS
    failing = replace(ALERT, health="err", last_error="many-to-many matching")
    found = judge_evaluated((replace(GROUP, rules=(RECORD, failing)),))
    assert (found.status, found.observed) == (
        Status.FAIL,
        "HighErrorRate: many-to-many matching",
    )
    waiting = replace(GROUP, rules=(replace(RECORD, health="unknown"), ALERT))
    assert judge_evaluated((waiting,)).status is Status.UNKNOWN
    assert judge_evaluated(()).status is Status.UNKNOWN
    assert judge_evaluated(Missing(why="refused")).status is Status.UNKNOWN
    assert judge_loaded(Missing(why="refused"), RULES).status is Status.UNKNOWN


def test_a_long_list_says_how_much_it_leaves_out() -> None:
    assert listed(tuple("abcdefgh")).splitlines()[-1] == "and 2 more"
