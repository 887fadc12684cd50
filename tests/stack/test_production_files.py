"""What production runs is valid, says what the design says, and is what real tools accept."""

import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stack import promql
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
    "CertificateExpiring": ("LOW", "monitoring", 60 * MINUTE),
    "AvailabilityBudgetBurnFast": ("CRITICAL", "slo", 2 * MINUTE),
    "AvailabilityBudgetBurnSlow": ("LOW", "slo", 15 * MINUTE),
    "LatencyBudgetBurnFast": ("CRITICAL", "slo", 2 * MINUTE),
    "LatencyBudgetBurnSlow": ("LOW", "slo", 15 * MINUTE),
    "SuccessBudgetBurnFast": ("CRITICAL", "slo", 2 * MINUTE),
    "SuccessBudgetBurnSlow": ("LOW", "slo", 15 * MINUTE),
}
WATCHDOG = "Watchdog"
JOBS = {"softfactory", "prometheus", "alertmanager"}

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


def integrations(config):
    """Yield (receiver, kind, settings) of every integration."""
    for receiver in config["receivers"]:
        for kind, entries in receiver.items():
            if kind != "name":
                for entry in entries:
                    yield receiver["name"], kind, entry


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
def test_an_alert_says_what_happened_and_where_its_runbook_is(rule):
    assert set(rule.annotations) == {"summary", "description", "action", "runbook_url"}
    url = rule.annotations["runbook_url"]
    assert url.startswith("https://")
    assert url.endswith(f"/docs/runbooks/{rule.name}.md")
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


def test_alertmanager_groups_by_alert_and_service_and_waits_as_designed(alertmanager):
    route = alertmanager["route"]
    assert route["group_by"] == ["alertname", "service"]
    assert (route["group_wait"], route["group_interval"]) == ("30s", "5m")
    assert route["repeat_interval"] == "4h"


def test_every_integration_sends_resolutions_and_starts_with_the_headline(alertmanager):
    first_line = {
        "pagerduty_configs": lambda entry: entry["description"],
        "slack_configs": lambda entry: entry["title"],
        "email_configs": lambda entry: entry["headers"]["Subject"],
    }
    for receiver, kind, entry in integrations(alertmanager):
        assert entry["send_resolved"] is True, (receiver, kind)
        assert first_line[kind](entry) == '{{ template "softfactory.headline" . }}'


def test_receivers_are_what_the_severities_promise(alertmanager):
    found = {(name, kind) for name, kind, _ in integrations(alertmanager)}
    assert found == {
        ("critical", "pagerduty_configs"),
        ("critical", "slack_configs"),
        ("high", "slack_configs"),
        ("high", "email_configs"),
        ("unrouted", "slack_configs"),
    }


def test_secrets_are_files_in_one_folder_and_nothing_secret_stands_in_the_configuration(
    alertmanager,
):
    named = {
        Path(str(value))
        for _, _, entry in integrations(alertmanager)
        for key, value in entry.items()
        if key.endswith("_file")
    } | {Path(alertmanager["global"]["smtp_auth_password_file"])}
    assert {path.parent for path in named} == {Path("/etc/alertmanager/secrets")}
    assert {path.name for path in named} == {
        "pagerduty_routing_key",
        "slack_incidents_url",
        "slack_alerts_url",
        "smtp_password",
    }
    secret_keys = {"routing_key", "service_key", "api_url", "auth_password", "smtp_auth_password"}
    for _, _, entry in integrations(alertmanager):
        assert not secret_keys & entry.keys()
    assert not secret_keys & alertmanager["global"].keys()


def test_mail_requires_tls(alertmanager):
    assert alertmanager["global"]["smtp_require_tls"] is True
    for _, kind, entry in integrations(alertmanager):
        if kind == "email_configs":
            assert entry.get("require_tls", True) is True


def test_inhibition_asks_for_the_same_service(alertmanager):
    rules = alertmanager["inhibit_rules"]
    assert [(r["source_matchers"], r["target_matchers"]) for r in rules] == [
        (['alertname="CriticalMemoryUsage"'], ['alertname="HighMemoryUsage"']),
        (['alertname="SoftFactoryDown"'], ['alertname!="SoftFactoryDown"']),
    ]
    assert all(rule["equal"] == ["service"] for rule in rules)


@pytest.mark.integration
def test_promtool_accepts_the_configuration_and_finds_every_rule(tools):
    checked = run(tools.promtool.command, "check", "config", str(FILES.prometheus))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RULES.rules)} rules found" in checked.stdout


@pytest.mark.integration
def test_amtool_accepts_the_configuration_with_its_templates(tools):
    checked = run(tools.amtool.command, "check-config", str(FILES.alertmanager))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "1 templates" in checked.stdout


@pytest.mark.integration
@pytest.mark.parametrize(
    ("severity", "receiver"),
    [
        ("CRITICAL", "critical"),
        ("HIGH", "high"),
        ("MEDIUM", "unrouted"),
        ("LOW", "unrouted"),
        ("", "unrouted"),
    ],
)
def test_a_severity_takes_its_route_and_an_unknown_one_is_not_lost(tools, severity, receiver):
    tested = run(
        tools.amtool.command,
        "config",
        "routes",
        "test",
        f"--config.file={FILES.alertmanager}",
        f"--verify.receivers={receiver}",
        f"severity={severity}",
        "alertname=Any",
        "service=softfactory",
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.integration
@pytest.mark.parametrize(
    ("severity", "mapped"),
    [
        ("CRITICAL", "critical"),
        ("HIGH", "error"),
        ("MEDIUM", "warning"),
        ("LOW", "info"),
        ("other", "error"),
    ],
)
def test_pagerduty_gets_a_severity_that_it_knows(tools, severity, mapped, tmp_path):
    assert render(tools, "softfactory.pagerduty.severity", [alert(severity)], tmp_path) == mapped


@pytest.mark.integration
@pytest.mark.parametrize("status", ["firing", "resolved"])
def test_the_headline_says_status_severity_alert_service_and_summary(tools, status, tmp_path):
    rendered = render(tools, "softfactory.headline", [alert("HIGH")], tmp_path, status)
    assert rendered == f"[{status.upper()}] HIGH SlowResponseTime on shop: it is slow"


@pytest.mark.integration
@pytest.mark.parametrize("template", ["softfactory.body", "softfactory.body.html"])
def test_a_body_carries_everything_of_every_alert(tools, template, tmp_path):
    rendered = render(tools, template, [alert("HIGH"), alert("LOW", "Other")], tmp_path)
    for expected in (
        *("SlowResponseTime", "HIGH", "shop", "it is slow", "very slow", "https://r/Slow"),
        *("Other", "LOW"),
    ):
        assert expected in rendered


def alert(severity, name="SlowResponseTime"):
    return {
        "status": "firing",
        "labels": {"alertname": name, "severity": severity, "service": "shop"},
        "annotations": {
            "summary": "it is slow",
            "description": "very slow",
            "runbook_url": "https://r/Slow",
        },
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
    }


def render(tools, template, alerts, folder, status="firing"):
    import json

    data = folder / "data.json"
    data.write_text(json.dumps({"receiver": "r", "status": status, "alerts": alerts}))
    done = run(
        tools.amtool.command,
        "template",
        "render",
        f"--template.glob={ROOM}/templates/*.tmpl",
        f"--template.text={{{{ template {json.dumps(template)} . }}}}",
        f"--template.data={data}",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()
