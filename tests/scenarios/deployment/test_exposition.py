"""What a service exposes is readable for Prometheus, and has what the rules read."""

from __future__ import annotations

import pytest

from scenarios.deployment.exposition import (
    Exposition,
    judge_format,
    judge_names,
    read_by_rules,
    read_exposition,
)
from scenarios.deployment.seen import Missing
from scenarios.deployment.visit import Answer
from scenarios.verdict import Status
from stack.production import production_files
from stack.rules import RuleSet, load_rules

KIND = "text/plain; version=0.0.4; charset=utf-8"
RULES = load_rules(
    """\
groups:
  - name: one
    rules:
      - record: job:errors:rate
        expr: rate(softfactory_errors_total{job="softfactory"}[5m])
      - {alert: Errors, expr: job:errors:rate > 1}
      - {alert: Down, expr: 'up{job="softfactory"} == 0'}
      - {alert: Paid, expr: 'rate(softfactory_payments_total{job="softfactory"}[5m]) > 1'}
      - {alert: Disk, expr: 'node_disk{job="node"} > 1'}
"""
)


def exposed(text: str, kind: str = KIND, status: int = 200) -> Exposition:
    url = "https://shop.io/api/metrics/prometheus"
    return read_exposition(
        Answer(url=url, status=status, content_type=kind, location="", text=text)
    )


def names(seen: Exposition, *unused: str, rules: RuleSet = RULES) -> Status:
    return judge_names((seen,), rules, unused).status


def test_the_metrics_of_an_alert_are_read_from_its_rule_and_those_it_reads() -> None:
    assert read_by_rules(RULES) == {
        "Errors": {"softfactory_errors_total"},
        "Paid": {"softfactory_payments_total"},
    }


def test_the_shipped_rules_read_metrics_of_the_service() -> None:
    rules = load_rules(production_files().rules.read_text(), "alert-rules.yml")
    wanted = read_by_rules(rules)
    assert "softfactory_requests_total" in wanted["HighErrorRate"]
    assert not any(name.startswith(("up", "scrape_")) for each in wanted.values() for name in each)


def test_a_readable_exposition_with_all_of_them_passes() -> None:
    seen = exposed("softfactory_errors_total 0\nsoftfactory_payments_total 0\n")
    assert judge_format((seen,)).status is Status.PASS
    assert names(seen) is Status.PASS


def test_a_missing_metric_fails_and_names_the_alert_that_cannot_fire() -> None:
    seen = exposed("softfactory_errors_total 0\n")
    found = judge_names((seen,), RULES, ())
    assert found.status is Status.FAIL
    assert "has no softfactory_payments_total: Paid can't fire" in found.observed
    assert "--without-alert" in found.look
    assert names(seen, "Paid") is Status.PASS


@pytest.mark.parametrize(
    ("text", "kind", "status", "says"),
    [
        ("softfactory_errors_total 0\n", "text/html; charset=utf-8", 200, "Content-Type"),
        ("softfactory_errors_total 0\n", "", 200, "Content-Type is 'missing'"),
        ("softfactory_errors_total{ 0\n", KIND, 200, "can't be parsed"),
        ("", KIND, 500, "it answers 500"),
        ("", KIND, 200, "it is empty"),
    ],
)
def test_what_prometheus_would_refuse_fails(text: str, kind: str, status: int, says: str) -> None:
    seen = exposed(text, kind, status)
    found = judge_format((seen,))
    assert found.status is Status.FAIL
    assert says in found.observed
    assert names(seen) is not Status.PASS


def test_of_rules_that_read_nothing_of_the_service_nothing_is_known() -> None:
    other = load_rules("groups: [{name: a, rules: [{alert: Disk, expr: 'node_disk > 1'}]}]")
    found = judge_names((exposed("softfactory_errors_total 0\n"),), other, ())
    assert found.status is Status.UNKNOWN
    assert "reads a metric of job 'softfactory'" in found.observed


def test_what_was_not_seen_is_not_known() -> None:
    missing = Missing(why="connection refused")
    assert judge_format(missing).status is Status.UNKNOWN
    assert judge_names(missing, RULES, ()).status is Status.UNKNOWN
