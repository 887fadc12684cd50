"""Prometheus scrapes itself, Alertmanager, the demo, and what ships the demo's log."""

import pytest

from scenarios.capabilities import COMPOSE
from stack.clients import PrometheusClient
from stack.compose.trial import TrialStack
from stack.compose.trial.judges import wrong_targets
from stack.waiting import NotYet, wait_until

WANTED = {
    "prometheus": "127.0.0.1:9090",
    "alertmanager": "alertmanager:9093",
    "softfactory": "softfactory:8000",
    "shipper": "shipper:9101",
}
FIRST_SCRAPE_SECONDS = 60.0
"""The longest interval is 30 s, and a target waits for its turn within it."""


@pytest.mark.requires(COMPOSE)
def test_every_target_is_up(stack: TrialStack) -> None:
    prometheus = PrometheusClient(stack.url("prometheus"))
    started = {part.service for part in stack.services}
    wanted = {instance for service, instance in WANTED.items() if service in started}

    def all_up() -> bool:
        health = {target.labels["instance"]: target.health for target in prometheus.targets()}
        if wrong := wrong_targets(health, wanted):
            raise NotYet("; ".join(wrong))
        return True

    wait_until(
        all_up,
        what="every target to be UP",
        timeout_seconds=FIRST_SCRAPE_SECONDS,
        interval_seconds=0.25,
    )
