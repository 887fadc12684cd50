"""What production runs is valid, says what the design says, and is what real tools accept."""

import re
import subprocess
from datetime import timedelta

import pytest
from ruamel.yaml import YAML

from stack import promql
from stack.grafana.addresses import panel_link
from stack.production import production_files
from stack.recorded import reads
from stack.rules import load_rules
from stack.tools import ToolSettings, find_tools

FILES = production_files()
ROOM = FILES.rules.parent
RULES = load_rules(FILES.rules.read_text(), FILES.rules.name)
MINUTE = timedelta(minutes=1)

EXPECTED = {
    "SoftFactoryDown": ("CRITICAL", "availability", 2 * MINUTE),
    "InstanceDown": ("HIGH", "availability", 2 * MINUTE),
    "ServiceNotReady": ("HIGH", "availability", 2 * MINUTE),
    "RestartLoop": ("HIGH", "availability", 0 * MINUTE),
    "TrafficGone": ("HIGH", "availability", 5 * MINUTE),
    "HighErrorRate": ("HIGH", "requests", 5 * MINUTE),
    "SlowResponseTime": ("HIGH", "requests", 5 * MINUTE),
    "EndpointSlow": ("MEDIUM", "requests", 10 * MINUTE),
    "RequestsSaturated": ("MEDIUM", "requests", 5 * MINUTE),
    "UnauthorizedSurge": ("MEDIUM", "requests", 5 * MINUTE),
    "ScanSuspected": ("LOW", "requests", 5 * MINUTE),
    "HighMemoryUsage": ("HIGH", "resources", 5 * MINUTE),
    "CriticalMemoryUsage": ("CRITICAL", "resources", 2 * MINUTE),
    "HighCPUUsage": ("HIGH", "resources", 10 * MINUTE),
    "DiskFilling": ("HIGH", "resources", 5 * MINUTE),
    "ClockSkew": ("MEDIUM", "resources", 5 * MINUTE),
    "DatabaseUnhealthy": ("CRITICAL", "database", 1 * MINUTE),
    "FailedDatabaseBackup": ("HIGH", "database", 5 * MINUTE),
    "DatabasePoolSaturated": ("MEDIUM", "database", 5 * MINUTE),
    "FailedPayments": ("HIGH", "payments", 2 * MINUTE),
    "BookingsStalled": ("HIGH", "application", 5 * MINUTE),
    "FaultInjectionArmed": ("MEDIUM", "application", 1 * MINUTE),
    "Watchdog": ("NONE", "monitoring", 0 * MINUTE),
    "AlertDeliveryFailing": ("HIGH", "monitoring", 5 * MINUTE),
    "ConfigReloadFailed": ("HIGH", "monitoring", 5 * MINUTE),
    "RuleEvaluationFailing": ("HIGH", "monitoring", 5 * MINUTE),
    "RuleEvaluationSlow": ("MEDIUM", "monitoring", 10 * MINUTE),
    "ScrapeSlow": ("MEDIUM", "monitoring", 5 * MINUTE),
    "ScrapeNearSampleLimit": ("LOW", "monitoring", 5 * MINUTE),
    "LogRecordsLost": ("MEDIUM", "monitoring", 2 * MINUTE),
    "LogShippingStalled": ("MEDIUM", "monitoring", 5 * MINUTE),
    "CertificateExpiring": ("LOW", "monitoring", 60 * MINUTE),
    "AvailabilityBudgetBurnFast": ("CRITICAL", "slo", 2 * MINUTE),
    "AvailabilityBudgetBurnSlow": ("LOW", "slo", 15 * MINUTE),
    "LatencyBudgetBurnFast": ("CRITICAL", "slo", 2 * MINUTE),
    "LatencyBudgetBurnSlow": ("LOW", "slo", 15 * MINUTE),
    "SuccessBudgetBurnFast": ("CRITICAL", "slo", 2 * MINUTE),
    "SuccessBudgetBurnSlow": ("LOW", "slo", 15 * MINUTE),
}
WATCHDOG = "Watchdog"
JOBS = {"softfactory", "prometheus", "alertmanager", "log-shipper"}

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


def test_every_alert_has_its_severity_its_category_and_its_for():
    found = {
        rule.name: (rule.labels["severity"], rule.labels["category"], rule.for_)
        for rule in RULES.alerts
    }
    assert found == EXPECTED


@ALERT
def test_an_alert_carries_severity_category_and_the_service_of_its_result(rule):
    assert set(rule.labels) == {"severity", "category", "service"}
    own = "monitoring" if rule.name == WATCHDOG else "{{ $labels.service }}"
    assert rule.labels["service"] == own


@ALERT
def test_an_alert_says_what_happened_and_where_its_runbook_and_its_panel_are(rule):
    links = {"runbook_url", "dashboard_url"}
    assert set(rule.annotations) == {"summary", "description", "action", *links}
    url = rule.annotations["runbook_url"]
    assert url.startswith("https://")
    assert url.endswith(f"/docs/runbooks/{rule.name}.md")
    assert rule.annotations["dashboard_url"] == panel_link(rule.name, rule.labels["service"])
    named = rule.annotations["summary"] + rule.annotations["description"]
    assert "{{ $labels.service }}" in named or rule.name == WATCHDOG


@ALERT
def test_an_alert_says_in_one_short_sentence_what_to_do_first(rule):
    action = rule.annotations["action"]
    assert len(action) <= 90
    assert "\n" not in action
    assert action[0].isupper()
    assert action.endswith(".")


@pytest.mark.parametrize("group", RULES.groups, ids=lambda group: group.name)
def test_thresholds_stand_at_the_head_of_their_group_and_are_read_there(group):
    names = [rule.name for rule in group.rules]
    thresholds = [rule.name for rule in group.rules if rule.name.startswith("threshold:")]
    assert names[: len(thresholds)] == thresholds
    assert all(re.fullmatch(r"threshold:\w+:\w+", name) for name in thresholds)
    read = {name for rule in group.rules for name in reads(promql.parse(rule.expr))}
    assert {name for name in read if name.startswith("threshold:")} == set(thresholds)


@pytest.mark.parametrize("rule", RULES.recordings, ids=lambda rule: f"{rule.name}-{rule.line}")
def test_a_recorded_constant_is_a_threshold_and_a_threshold_a_constant(rule):
    assert (rule.constant is not None) == rule.name.startswith("threshold:")


@ALERT
def test_no_number_but_a_states_0_and_1_is_compared_where_it_has_no_name(rule):
    for _, sign, number in promql.comparisons(promql.parse(rule.expr)):
        assert number in (0, 1), f"{rule.name} {sign} {number:g}"


def test_the_groups_are_the_categories():
    assert [group.name for group in RULES.groups] == [
        "availability",
        "requests",
        "resources",
        "database",
        "application",
        "slo",
        "slo_long",
        "monitoring",
    ]


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

    found = list(selectors(promql_parser.parse(rule.inlined)))
    assert found or rule.name == WATCHDOG
    for each in found:
        (jobs,) = (m.value for m in each.matchers.matchers if m.name == "job")
        assert set(jobs.split("|")) <= JOBS, each
        assert rule.group == "monitoring" or jobs == "softfactory", each


@pytest.mark.parametrize(
    ("inhibited", "inhibiting"),
    [
        ("HighMemoryUsage", "CriticalMemoryUsage"),
        ("EndpointSlow", "SlowResponseTime"),
        ("DatabasePoolSaturated", "DatabaseUnhealthy"),
    ],
)
def test_an_inhibited_alert_stands_before_the_one_that_inhibits_it(inhibited, inhibiting):
    (group,) = (each for each in RULES.groups if inhibited in {rule.name for rule in each.rules})
    names = [rule.name for rule in group.rules]
    assert names.index(inhibited) < names.index(inhibiting)


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


def test_slow_burn_stands_before_the_fast_burn_that_inhibits_it():
    names = [rule.name for rule in RULES.alerts if rule.labels["category"] == "slo"]
    for slo in ("Availability", "Latency", "Success"):
        assert names.index(f"{slo}BudgetBurnSlow") < names.index(f"{slo}BudgetBurnFast")


def test_a_long_windows_series_never_goes_stale_between_two_evaluations():
    """Prometheus takes a sample to be current for 5 minutes (`--query.lookback-delta`)."""
    for group in RULES.groups:
        assert 2 * (group.interval or MINUTE) < 5 * MINUTE, group.name


def test_numbers_that_mean_time_or_a_count_over_a_window_are_declared():
    declared = {r.name: [(d.value, d.scaled) for d in r.declarations] for r in RULES.rules}
    assert {name: each for name, each in declared.items() if each} == {
        "threshold:restarts:count": [(3.0, False)],
        "threshold:disk_full_ahead:seconds": [(14400.0, True)],
        "threshold:clock_skew:seconds": [(5.0, False)],
        "threshold:backup_age:seconds": [(86400.0, False)],
        "threshold:certificate_left:seconds": [(1209600.0, False)],
    }


def test_prometheus_scrapes_and_evaluates_every_15_s_and_finds_services_by_file(prometheus):
    assert prometheus["global"] == {
        "scrape_interval": "15s",
        "scrape_timeout": "10s",
        "evaluation_interval": "15s",
    }
    job, *_ = prometheus["scrape_configs"]
    assert job["job_name"] == "softfactory"
    assert job["metrics_path"] == "/api/metrics/prometheus"
    assert job["file_sd_configs"][0]["files"] == ["targets/*.yml"]
    assert "--storage.tsdb.retention.time=30d" in FILES.prometheus.read_text()


def test_prometheus_watches_itself_and_alertmanager_where_they_listen(prometheus):
    _, *watchers = prometheus["scrape_configs"]
    assert [(job["job_name"], job["static_configs"]) for job in watchers] == [
        (name, [{"targets": [address], "labels": {"service": name}}])
        for name, address in (("prometheus", "127.0.0.1:9090"), ("alertmanager", "127.0.0.1:9093"))
    ]
    (notified,) = prometheus["alerting"]["alertmanagers"]
    assert notified["static_configs"] == [{"targets": ["127.0.0.1:9093"]}]


def test_the_services_samples_are_limited_and_prometheus_tells_the_limit(prometheus):
    job, *_ = prometheus["scrape_configs"]
    assert job["sample_limit"] == 5000
    assert "--enable-feature=extra-scrape-metrics" in FILES.prometheus.read_text()


def test_the_example_target_is_the_service_on_its_default_port():
    (entry,) = load(ROOM / "targets" / "softfactory.yml")
    assert entry == {"targets": ["127.0.0.1:8000"], "labels": {"service": "softfactory"}}


@pytest.mark.integration
def test_promtool_accepts_the_configuration_and_finds_every_rule(tools):
    checked = run(tools.promtool.command, "check", "config", str(FILES.prometheus))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RULES.rules)} rules found" in checked.stdout
