"""What production runs is valid, says what the design says, and is what real tools accept."""

import subprocess
from datetime import timedelta

import pytest
from ruamel.yaml import YAML

from stack.production import production_files
from stack.rules import load_rules
from stack.tools import ToolSettings, find_tools

FILES = production_files()
ROOM = FILES.rules.parent
RULES = load_rules(FILES.rules.read_text(), FILES.rules.name)
MINUTE = timedelta(minutes=1)

EXPECTED = {
    "SoftFactoryDown": ("CRITICAL", 2 * MINUTE),
    "CriticalMemoryUsage": ("CRITICAL", 2 * MINUTE),
    "DatabaseUnhealthy": ("CRITICAL", 1 * MINUTE),
    "HighErrorRate": ("HIGH", 5 * MINUTE),
    "SlowResponseTime": ("HIGH", 5 * MINUTE),
    "HighMemoryUsage": ("HIGH", 5 * MINUTE),
    "HighCPUUsage": ("HIGH", 10 * MINUTE),
    "FailedPayments": ("HIGH", 2 * MINUTE),
    "FailedDatabaseBackup": ("HIGH", 5 * MINUTE),
}

ALERT = pytest.mark.parametrize("rule", RULES.alerts, ids=lambda rule: rule.name)


@pytest.fixture(scope="module")
def tools():
    return find_tools(ToolSettings.from_env(), lambda _: None)


def run(command, *arguments):
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def load(path):
    return YAML(typ="safe").load(path.read_text())


@pytest.fixture(scope="module")
def alertmanager():
    return load(FILES.alertmanager)


@pytest.fixture(scope="module")
def prometheus():
    return load(FILES.prometheus)


def test_the_nine_alerts_have_their_severity_and_their_for():
    assert {rule.name: (rule.labels["severity"], rule.for_) for rule in RULES.alerts} == EXPECTED


@ALERT
def test_an_alert_carries_severity_category_and_the_service_of_its_result(rule):
    assert set(rule.labels) == {"severity", "category", "service"}
    assert rule.labels["service"] == "{{ $labels.service }}"


@ALERT
def test_an_alert_says_what_happened_and_where_its_runbook_is(rule):
    assert set(rule.annotations) == {"summary", "description", "runbook_url"}
    url = rule.annotations["runbook_url"]
    assert url.startswith("https://")
    assert url.endswith(f"/docs/runbooks/{rule.name}.md")
    assert "{{ $labels.service }}" in rule.annotations["summary"]


@ALERT
def test_every_selector_names_the_job(rule):
    import promql_parser

    def selectors(node):
        if isinstance(node, promql_parser.VectorSelector):
            yield node
        for name in ("lhs", "rhs", "expr", "vector_selector"):
            child = getattr(node, name, None)
            if child is not None:
                yield from selectors(child)
        for child in getattr(node, "args", ()):
            yield from selectors(child)

    found = list(selectors(promql_parser.parse(rule.expr)))
    assert found
    for each in found:
        matchers = {(m.name, m.value) for m in each.matchers.matchers}
        assert ("job", "softfactory") in matchers, each


def test_high_memory_stands_before_critical_memory_in_one_group():
    (group,) = RULES.groups
    names = [rule.name for rule in group.rules]
    assert names.index("HighMemoryUsage") < names.index("CriticalMemoryUsage")


def test_alerts_on_gauges_resolve_and_flush_before_softfactorydown_can_inhibit_them(
    alertmanager, prometheus
):
    """Whatever CRITICAL alert a dying service takes with it, its resolution gets out in time."""
    intervals = [
        route["group_interval"]
        for route in alertmanager["route"]["routes"]
        if route["receiver"] == "critical"
    ]
    assert intervals == ["1m"]
    assert prometheus["global"]["evaluation_interval"] == "15s"
    down = RULES.alert("SoftFactoryDown")
    for name in ("CriticalMemoryUsage", "DatabaseUnhealthy"):
        assert RULES.alert(name).keep_firing_for + MINUTE + timedelta(seconds=15) < down.for_


def test_the_only_declared_number_is_the_day_of_the_backup():
    declared = {r.name: [(d.value, d.scaled) for d in r.declarations] for r in RULES.alerts}
    assert {name: each for name, each in declared.items() if each} == {
        "FailedDatabaseBackup": [(86400.0, False)]
    }


def test_prometheus_scrapes_and_evaluates_every_15_s_and_finds_services_by_file(prometheus):
    assert prometheus["global"] == {
        "scrape_interval": "15s",
        "scrape_timeout": "10s",
        "evaluation_interval": "15s",
    }
    (job,) = prometheus["scrape_configs"]
    assert job["job_name"] == "softfactory"
    assert job["metrics_path"] == "/api/metrics/prometheus"
    assert job["file_sd_configs"][0]["files"] == ["targets/*.yml"]
    assert "--storage.tsdb.retention.time=30d" in FILES.prometheus.read_text()


def test_the_example_target_is_the_service_on_its_default_port():
    (entry,) = load(ROOM / "targets" / "softfactory.yml")
    assert entry == {"targets": ["127.0.0.1:8000"], "labels": {"service": "softfactory"}}


@pytest.mark.integration
def test_promtool_accepts_the_configuration_and_finds_nine_rules(tools):
    checked = run(tools.promtool.command, "check", "config", str(FILES.prometheus))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "9 rules found" in checked.stdout
