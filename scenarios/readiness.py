"""When a stack that was started may be drilled under: its rules are evaluated, and queries see.

One rule: each condition is awaited, and the error of one that does not come names what is missing.
"""

from __future__ import annotations

from collections.abc import Collection

from scenarios.lifecycle import READY_SECONDS
from scenarios.model import JOB
from stack import promql
from stack.clients.prometheus import PrometheusClient, PrometheusError
from stack.derive import Derived
from stack.launch.monitoring import MonitoringStack
from stack.recorded import reads
from stack.rules import RuleSet
from stack.waiting import NotYet, wait_until

LOOK_SECONDS = 0.1
"""How often it is looked whether the rules are there: a wave of drills waits for it."""


def wait_evaluated(prometheus: PrometheusClient, stack: MonitoringStack, derived: Derived) -> None:
    """Wait until Prometheus knows an Alertmanager, and has evaluated all its rules.

    Raises:
        WaitTimeout: it did not come so far.
    """

    def ready() -> bool:
        if prometheus.active_alertmanagers() < 1:
            raise NotYet("Prometheus knows no Alertmanager yet")
        found = prometheus.rules()
        stack.check_loaded(found, derived)
        if not found.rules or not all(rule.last_evaluation for rule in found.rules):
            raise NotYet("the rules are not evaluated yet")
        return True

    wait_until(
        ready,
        what="the stack to be ready",
        timeout_seconds=READY_SECONDS,
        interval_seconds=LOOK_SECONDS,
        retry_on=(PrometheusError,),
    )


def wait_thresholds(prometheus: PrometheusClient, rules: RuleSet) -> None:
    """Wait until queries see the constants that rules record: without them nothing fires.

    Raises:
        WaitTimeout: it did not come so far.
    """
    wanted = {rule.name for rule in rules.recordings if not reads(promql.parse(rule.expr))}

    def seen() -> bool:
        found = prometheus.query(f'{{__name__=~"{"|".join(sorted(wanted))}"}}')
        missing = wanted - {one.labels.get("__name__") for one in found}
        if missing:
            raise NotYet(f"nothing of {', '.join(sorted(missing)[:3])}")
        return True

    wait_until(
        seen,
        what="queries to see what the rules record",
        timeout_seconds=READY_SECONDS,
        interval_seconds=LOOK_SECONDS,
        retry_on=(PrometheusError,),
    )


def wait_visible(prometheus: PrometheusClient, services: Collection[str]) -> None:
    """Wait until queries see what was scraped of these: a rule would miss what is hidden.

    Raises:
        WaitTimeout: it did not come so far.
    """
    names = "|".join(services)

    def seen() -> bool:
        found = {
            one.labels.get("service")
            for one in prometheus.query(f'up{{job="{JOB}",service=~"{names}"}}')
        }
        if missing := [name for name in services if name not in found]:
            raise NotYet(f"nothing of {', '.join(missing)}")
        return True

    wait_until(
        seen,
        what="queries to see what was scraped",
        timeout_seconds=READY_SECONDS,
        retry_on=(PrometheusError,),
    )
