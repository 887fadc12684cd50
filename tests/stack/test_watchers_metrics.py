"""The alerts on monitoring itself read series that a real Prometheus and Alertmanager export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from stack import promql
from stack.derive import Derived, RunAddresses, derive
from stack.launch import MonitoringStack, Setup
from stack.launch.local import Local
from stack.ports import reserve
from stack.processes import Processes
from stack.production import production_files
from stack.receivers import Receivers
from stack.recorded import reads
from stack.rules import load_rules
from stack.tools import ToolSettings, find_tools
from stack.waiting import NotYet, wait_until

pytestmark = pytest.mark.integration

RULES = load_rules(production_files().rules.read_text(encoding="utf-8"), "alert-rules.yml")
WATCHED = {"prometheus", "alertmanager"}
READ = {
    name
    for rule in RULES.alerts
    for name in reads(promql.parse(rule.expr))
    if name.partition("_")[0] in {*WATCHED, "scrape"}
}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run production's configuration at time scale 60, without any service; return its URL."""
    directory = tmp_path_factory.mktemp("watchers")
    tools = find_tools(ToolSettings.from_env(), lambda line: None)
    with (
        reserve() as own,
        reserve() as other,
        Processes() as processes,
        Receivers(directory / "secrets", lambda _delivery: None) as receivers,
    ):
        derived = _derived(directory, own.port, other.port, receivers)
        with MonitoringStack(
            Local.of(processes, tools),
            Setup(
                prometheus_yaml=derived.prometheus_yaml,
                rules_yaml=derived.rules_yaml,
                alertmanager_yaml=derived.alertmanager_yaml,
                prometheus_flags=derived.prometheus_flags,
                alertmanager_flags=derived.alertmanager_flags,
                directory=directory,
                prometheus_place=own,
                alertmanager_place=other,
            ),
        ) as stack:
            stack.start_prometheus()
            stack.start_alertmanager()
            stack.wait_ready(20)
            yield stack.endpoints.prometheus_url


def _derived(directory: Path, prometheus: int, alertmanager: int, receivers: Receivers) -> Derived:
    run = RunAddresses(
        prometheus_targets_glob=directory / "none-*.yml",
        prometheus=f"127.0.0.1:{prometheus}",
        alertmanager=f"127.0.0.1:{alertmanager}",
        pagerduty_url=receivers.pagerduty_url,
        smtp_smarthost=receivers.smtp_smarthost,
        smtp_ca_file=receivers.smtp_ca_file,
        secrets_directory=directory / "secrets",
    )
    return derive(production_files(), time_scale=60, run=run)


def _services(url: str, query: str) -> set[str]:
    answer = requests.get(f"{url}/api/v1/query", params={"query": query}, timeout=5)
    return {one["metric"].get("service", "") for one in answer.json()["data"]["result"]}


def test_every_series_that_an_alert_reads_of_a_watcher_is_there_under_its_service(
    prometheus: str,
) -> None:
    def all_there() -> bool:
        missing = {name for name in READ if not _services(prometheus, name)}
        if missing:
            raise NotYet(f"not exported: {', '.join(sorted(missing))}")
        return True

    wait_until(
        all_there,
        what="the series that alerts on monitoring itself read",
        timeout_seconds=30,
        interval_seconds=0.25,
    )
    for name in READ:
        own = name.partition("_")[0]
        assert _services(prometheus, name) == ({own} if own in WATCHED else WATCHED), name


def test_of_two_healthy_watchers_only_the_watchdog_fires(prometheus: str) -> None:
    def evaluated_everything() -> bool:
        answer = requests.get(f"{prometheus}/api/v1/rules", timeout=5).json()["data"]["groups"]
        unknown = [
            rule["name"]
            for group in answer
            for rule in group["rules"]
            if rule["health"] == "unknown"
        ]
        failed = [
            rule["lastError"]
            for group in answer
            for rule in group["rules"]
            if rule["health"] == "err"
        ]
        assert not failed
        if unknown:
            raise NotYet(f"not evaluated: {', '.join(unknown)}")
        return True

    wait_until(evaluated_everything, what="every rule to be evaluated", timeout_seconds=30)
    alerts = requests.get(f"{prometheus}/api/v1/alerts", timeout=5).json()["data"]["alerts"]
    own = {
        (alert["labels"]["alertname"], alert["labels"]["service"])
        for alert in alerts
        if alert["labels"]["service"] in {*WATCHED, "monitoring", ""}
    }
    assert own == {("Watchdog", "monitoring")}
