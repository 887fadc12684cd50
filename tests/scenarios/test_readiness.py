"""A stack is ready once its rules are evaluated and queries see them; what is missing is named."""

from __future__ import annotations

from typing import cast

import pytest

from scenarios import readiness
from scenarios.readiness import wait_evaluated, wait_thresholds, wait_visible
from stack.clients.prometheus import PrometheusClient, RuleSnapshot, RulesSnapshot, Sample
from stack.derive import Derived
from stack.launch.monitoring import MonitoringStack
from stack.rules import load_rules
from stack.waiting import WaitTimeout

RULES = load_rules("groups: [{name: a, rules: [{record: 'threshold:x:ratio', expr: vector(1)}]}]")


class Prometheus:
    """One that knows an Alertmanager, and whose rule was, or was not, evaluated."""

    def __init__(self, *names: str, evaluated: float = 1.0, alertmanagers: int = 1) -> None:
        self._names = names
        self._evaluated = evaluated
        self._alertmanagers = alertmanagers

    def active_alertmanagers(self) -> int:
        return self._alertmanagers

    def rules(self) -> RulesSnapshot:
        rule = RuleSnapshot(
            group="a",
            name="Slow",
            health="ok",
            every_seconds=1.0,
            for_seconds=0.0,
            last_error="",
            last_evaluation=self._evaluated,
            evaluation_seconds=0.0,
            alerts=(),
        )
        return RulesSnapshot(rules=(rule,))

    def query(self, _promql: str) -> list[Sample]:
        labels = [{"service": name, "__name__": name} for name in self._names]
        return [Sample(labels=one, value=1.0, at=1.0) for one in labels]


class Stack:
    def check_loaded(self, *_: object) -> None:
        """Take whatever is loaded."""


def client(*names: str, evaluated: float = 1.0, alertmanagers: int = 1) -> PrometheusClient:
    fake = Prometheus(*names, evaluated=evaluated, alertmanagers=alertmanagers)
    return cast(PrometheusClient, fake)


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "READY_SECONDS", 0.0)


def evaluated(prometheus: PrometheusClient) -> None:
    wait_evaluated(prometheus, cast(MonitoringStack, Stack()), cast(Derived, None))


def test_what_is_there_is_not_waited_for() -> None:
    evaluated(client())
    wait_visible(client("slow"), ["slow"])
    wait_thresholds(client("threshold:x:ratio"), RULES)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(WaitTimeout, match="no Alertmanager"):
        evaluated(client(alertmanagers=0))
    with pytest.raises(WaitTimeout, match="not evaluated"):
        evaluated(client(evaluated=0.0))
    with pytest.raises(WaitTimeout, match="nothing of slow"):
        wait_visible(client(), ["slow"])
    with pytest.raises(WaitTimeout, match="nothing of threshold:x:ratio"):
        wait_thresholds(client(), RULES)
