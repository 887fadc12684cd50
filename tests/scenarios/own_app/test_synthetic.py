"""A synthetic drill is offered where series follow from the rule, and else says why not."""

from __future__ import annotations

import pytest

from scenarios.conditions import JOURNEY
from scenarios.own_app.synthetic import keeps, synthetic
from stack import promql
from stack.played import CannotPlay
from stack.rules import load_rules


def rules(expr: str, labels: str = "{severity: HIGH}") -> str:
    return (
        "groups:\n  - name: g\n    rules:\n      - alert: Queue\n"
        f"        expr: {expr}\n        labels: {labels}\n"
        "      - alert: Beside\n        expr: queue > 50\n        labels: {severity: LOW}\n"
    )


def drill_of(expr: str, labels: str = "{severity: HIGH}"):
    loaded = load_rules(rules(expr, labels), "their.yml")
    return synthetic(loaded.alert("Queue"), loaded, JOURNEY)


def test_it_plays_the_series_and_says_that_it_is_synthetic() -> None:
    drill = drill_of("max by (service) (queue) > 100")
    assert drill.synthetic
    assert drill.id == "Queue-synthetic"
    assert "synthetic" in drill.fault.text
    assert [one.name for one in drill.service.plays] == ["queue"]


def test_other_alerts_on_the_same_series_may_fire() -> None:
    assert drill_of("queue > 100").may_fire == {"Beside"}


def test_a_rule_over_a_window_waits_until_that_is_full() -> None:
    drill = drill_of("avg_over_time(queue[5m]) > 100")
    assert drill.fault.effect(drill.load, drill.service).fills == 1.0


@pytest.mark.parametrize(
    ("expr", "labels", "says"),
    [
        ("sum(queue) > 1", "{severity: HIGH}", "carries no `service` label"),
        ("absent(queue)", "{severity: HIGH}", "carries no `service` label"),
        ("queue > 1", "{severity: HIGH, service: shop}", "its service is always 'shop'"),
        ("queue > 1", "{team: shop}", "no `severity` label"),
        ("'queue{service=\"shop\"} > 1'", "{severity: HIGH}", "of one service by name"),
        ("'up{job=\"softfactory\"} == 0'", "{severity: HIGH}", "of the services themselves"),
        ("resets(queue[5m]) > 1", "{severity: HIGH}", "resets"),
        ("avg_over_time(queue[1d]) > 1", "{severity: HIGH}", "looks back over more than 2h"),
    ],
)
def test_a_rule_whose_alert_could_not_be_drilled_so_says_why(
    expr: str, labels: str, says: str
) -> None:
    with pytest.raises(CannotPlay, match=says):
        drill_of(expr, labels)


@pytest.mark.parametrize(
    ("expr", "kept"),
    [
        ("a > 1", True),
        ("sum by (service) (a)", True),
        ("sum without (instance) (a)", True),
        ("sum without (service) (a)", False),
        ("sum(a)", False),
        ("1 - sum by (service) (a)", True),
        ("a / on (service) sum by (service) (b)", True),
        ("histogram_quantile(0.9, sum by (service, le) (rate(a_bucket[5m])))", True),
    ],
)
def test_the_label_is_kept_as_prometheus_keeps_it(expr: str, kept: bool) -> None:
    assert keeps(promql.parse(expr), "service") is kept
