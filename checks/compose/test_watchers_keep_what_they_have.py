"""Prometheus and Alertmanager are started again by the engine, with all that they had."""

from datetime import timedelta

import pytest
import requests

from scenarios.capabilities import COMPOSE
from stack.clients import AlertmanagerClient, PrometheusClient
from stack.compose.trial import TrialStack
from stack.compose.trial.judges import lost
from stack.waiting import wait_until

PATIENCE_SECONDS = 5.0
FIRST_SCRAPE_SECONDS = 60.0


@pytest.mark.requires(COMPOSE)
def test_prometheus_keeps_its_series(stack: TrialStack) -> None:
    prometheus = PrometheusClient(stack.url("prometheus"))

    def samples() -> list[object]:
        series = prometheus.query_raw('up{job="prometheus"}[1h]')
        return [sample for one in series for sample in one.points]

    before = wait_until(
        samples,
        what="a sample of `up`",
        timeout_seconds=FIRST_SCRAPE_SECONDS,
        interval_seconds=0.25,
    )
    stack.end_and_wait("prometheus")
    gone = lost(before, samples())
    assert not gone, f"of {len(before)} samples these are lost: {', '.join(gone)}"


@pytest.mark.requires(COMPOSE)
def test_alertmanager_keeps_its_silences(stack: TrialStack) -> None:
    url = stack.url("alertmanager")
    made = AlertmanagerClient(url).silence(
        {"alertname": "Watchdog"}, for_=timedelta(hours=1), comment="is it kept?"
    )
    stack.end_and_wait("alertmanager")
    answer = requests.get(f"{url}/api/v2/silence/{made}", timeout=PATIENCE_SECONDS)
    assert answer.status_code == requests.codes.ok, f"the silence is lost: {answer.text}"
    assert answer.json()["status"]["state"] == "active"
