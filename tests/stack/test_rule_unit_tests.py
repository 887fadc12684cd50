"""Each rule's unit tests hold, and a rule that is changed for the worse breaks its own."""

import re
from pathlib import Path

import pytest

from stack.production import production_files
from stack.tools import ToolSettings, find_tools
from stack.unit_tests import RULE_FILE, UnitTestError, isolate, run_unit_tests

RULES = production_files().rules
UNIT = RULES.parent / "unit"
UNIT_FILES = sorted(UNIT.glob("*.yml"))

# Per alert: what the production file says, and what a wrong one would say instead. Of a threshold
# that the alert reads: its name, and another value.
MUTANTS = [
    (
        "SoftFactoryDown",
        'max by (service) (up{job="softfactory"}) == 0',
        "min by (service) (up) == 0",
    ),
    ("SoftFactoryDown", 'absent(up{job="softfactory"})', "absent(up)"),
    ("SoftFactoryDown", "[1h]", "[30m]"),
    ("SoftFactoryDown", "[1h]", "[2h]"),
    ("SoftFactoryDown", "for: 2m", "for: 1m"),
    ("SoftFactoryDown", "for: 2m", "for: 3m"),
    ("HighMemoryUsage", "threshold:memory_high:percent", "79"),
    ("HighMemoryUsage", "threshold:memory_high:percent", "81"),
    ("HighMemoryUsage", "for: 5m", "for: 4m"),
    ("HighMemoryUsage", "for: 5m", "for: 6m"),
    ("HighMemoryUsage", "max by (service)", "max"),
    ("HighMemoryUsage", "max by (service)", "avg by (service)"),
    ("HighMemoryUsage", "keep_firing_for: 30s", "keep_firing_for: 0s"),
    ("HighMemoryUsage", "keep_firing_for: 30s", "keep_firing_for: 1m"),
    ("CriticalMemoryUsage", "threshold:memory_critical:percent", "94"),
    ("CriticalMemoryUsage", "threshold:memory_critical:percent", "96"),
    ("CriticalMemoryUsage", "for: 2m", "for: 1m"),
    ("CriticalMemoryUsage", "for: 2m", "for: 3m"),
    ("DatabaseUnhealthy", "min by (service)", "max by (service)"),
    ("DatabaseUnhealthy", "== 0", "== 1"),
    ("DatabaseUnhealthy", "for: 1m", "for: 30s"),
    ("DatabaseUnhealthy", "for: 1m", "for: 2m"),
    ("HighErrorRate", "threshold:failed_requests:ratio", "0.04"),
    ("HighErrorRate", "threshold:failed_requests:ratio", "0.06"),
    ("HighErrorRate", '5.."', '4.."'),
    ("HighErrorRate", "for: 5m", "for: 4m"),
    ("HighErrorRate", "for: 5m", "for: 6m"),
    ("SlowResponseTime", "threshold:latency_objective:milliseconds", "990"),
    ("SlowResponseTime", "threshold:latency_objective:milliseconds", "1100"),
    ("SlowResponseTime", "0.95", "0.90"),
    ("SlowResponseTime", "0.95", "0.99"),
    ("SlowResponseTime", "for: 5m", "for: 4m"),
    ("SlowResponseTime", "for: 5m", "for: 6m"),
    ("HighCPUUsage", "threshold:cpu_high:ratio", "0.75"),
    ("HighCPUUsage", "threshold:cpu_high:ratio", "0.85"),
    (
        "HighCPUUsage",
        'last_over_time(softfactory_cpu_limit_cores{job="softfactory"}[5m])',
        "softfactory_cpu_limit_cores",
    ),
    ("HighCPUUsage", "for: 10m", "for: 9m"),
    ("HighCPUUsage", "for: 10m", "for: 11m"),
    ("FailedPayments", "threshold:failed_payments:ratio", "0.09"),
    ("FailedPayments", "threshold:failed_payments:ratio", "0.11"),
    ("FailedPayments", "threshold:payment_attempts_minimum:per_second", "0.04"),
    ("FailedPayments", "threshold:payment_attempts_minimum:per_second", "0.06"),
    ("FailedPayments", 'outcome="failed"', 'outcome!="succeeded"'),
    ("FailedPayments", "for: 2m", "for: 1m"),
    ("FailedPayments", "for: 2m", "for: 3m"),
    ("FailedDatabaseBackup", "threshold:backup_age:seconds", "86340"),
    ("FailedDatabaseBackup", "threshold:backup_age:seconds", "86460"),
    ("FailedDatabaseBackup", "== 0", "== -1"),
    ("FailedDatabaseBackup", "max by (service)", "min by (service)"),
    ("FailedDatabaseBackup", "for: 5m", "for: 4m"),
    ("FailedDatabaseBackup", "for: 5m", "for: 6m"),
    ("InstanceDown", "for: 2m", "for: 1m"),
    ("InstanceDown", "for: 2m", "for: 3m"),
    ("InstanceDown", "and on (service)", "or"),
    ("InstanceDown", "max by (service) (up", "max by (service) (1 - up"),
    ("ServiceNotReady", "min by (service)", "max by (service)"),
    ("ServiceNotReady", "for: 2m", "for: 1m"),
    ("ServiceNotReady", "for: 2m", "for: 3m"),
    ("ServiceNotReady", "keep_firing_for: 30s", "keep_firing_for: 0s"),
    ("ServiceNotReady", "keep_firing_for: 30s", "keep_firing_for: 1m"),
    ("RestartLoop", "threshold:restarts:count", "2"),
    ("RestartLoop", "threshold:restarts:count", "4"),
    ("RestartLoop", "max by (service)", "sum by (service)"),
    ("RestartLoop", "resets(", "changes("),
    ("RestartLoop", "[15m]", "[10m]"),
    ("RestartLoop", "[15m]", "[20m]"),
    ("RestartLoop", "keep_firing_for: 5m", "keep_firing_for: 0s"),
    ("TrafficGone", "threshold:traffic_before_gone:per_second", "0.12"),
    ("TrafficGone", "threshold:traffic_before_gone:per_second", "0.09"),
    ("TrafficGone", "offset 10m", "offset 5m"),
    ("TrafficGone", 'endpoint!="unmatched"', 'endpoint!="none"'),
    ("TrafficGone", "unless on (service)", "and on (service)"),
    ("TrafficGone", "[30m]", "[1h]"),
    ("TrafficGone", "[5m]", "[4m]"),
    ("TrafficGone", "[5m]", "[6m]"),
    ("TrafficGone", '(max by (service) (up{job="softfactory"}) == 1)', "vector(1)"),
    ("TrafficGone", "for: 5m", "for: 4m"),
    ("TrafficGone", "for: 5m", "for: 6m"),
    ("EndpointSlow", "threshold:endpoint_slow_requests:ratio", "0.035"),
    ("EndpointSlow", "threshold:endpoint_slow_requests:ratio", "0.065"),
    ("EndpointSlow", "1000|1000[.]0", "1500|1500[.]0"),
    ("EndpointSlow", "threshold:endpoint_requests_minimum:per_second", "0.18"),
    ("EndpointSlow", "threshold:endpoint_requests_minimum:per_second", "0.22"),
    ("EndpointSlow", "and on (service, endpoint)", "and on (endpoint)"),
    ("EndpointSlow", "sum by (service, endpoint)", "sum by (service, endpoint, method)"),
    ("EndpointSlow", "for: 10m", "for: 9m"),
    ("EndpointSlow", "for: 10m", "for: 11m"),
    ("RequestsSaturated", "threshold:requests_in_flight:ratio", "0.77"),
    ("RequestsSaturated", "threshold:requests_in_flight:ratio", "0.83"),
    ("RequestsSaturated", "avg_over_time(", "max_over_time("),
    (
        "RequestsSaturated",
        'last_over_time(softfactory_request_capacity{job="softfactory"}[5m])',
        'softfactory_request_capacity{job="softfactory"}',
    ),
    ("RequestsSaturated", " > 0)", " >= 0)"),
    ("RequestsSaturated", "for: 5m", "for: 4m"),
    ("RequestsSaturated", "for: 5m", "for: 6m"),
    ("UnauthorizedSurge", "threshold:unauthorized_requests:ratio", "0.19"),
    ("UnauthorizedSurge", "threshold:unauthorized_requests:ratio", "0.21"),
    ("UnauthorizedSurge", "threshold:unauthorized_requests_minimum:per_second", "0.46"),
    ("UnauthorizedSurge", "threshold:unauthorized_requests_minimum:per_second", "0.54"),
    ("UnauthorizedSurge", "401|403", "401"),
    ("UnauthorizedSurge", "401|403", "4.."),
    ("UnauthorizedSurge", "for: 5m", "for: 4m"),
    ("UnauthorizedSurge", "for: 5m", "for: 6m"),
    ("ScanSuspected", "threshold:unmatched_requests:ratio", "0.29"),
    ("ScanSuspected", "threshold:unmatched_requests:ratio", "0.31"),
    ("ScanSuspected", "threshold:unmatched_requests_minimum:per_second", "0.46"),
    ("ScanSuspected", "threshold:unmatched_requests_minimum:per_second", "0.54"),
    ("ScanSuspected", 'endpoint="unmatched"', 'status="404"'),
    ("ScanSuspected", "for: 5m", "for: 4m"),
    ("ScanSuspected", "for: 5m", "for: 6m"),
    ("DiskFilling", "threshold:disk_full_ahead:seconds", "13500"),
    ("DiskFilling", "threshold:disk_full_ahead:seconds", "15300"),
    ("DiskFilling", "threshold:disk_free:ratio", "0.48"),
    ("DiskFilling", "threshold:disk_free:ratio", "0.61"),
    ("DiskFilling", "and", "or"),
    ("DiskFilling", "[30m]", "[1h]"),
    ("DiskFilling", "for: 5m", "for: 4m"),
    ("DiskFilling", "for: 5m", "for: 6m"),
    ("DiskFilling", "keep_firing_for: 30s", "keep_firing_for: 0s"),
    ("DiskFilling", "keep_firing_for: 30s", "keep_firing_for: 1m"),
    ("ClockSkew", "threshold:clock_skew:seconds", "4.95"),
    ("ClockSkew", "threshold:clock_skew:seconds", "5.3"),
    ("ClockSkew", "abs(", "("),
    (
        "ClockSkew",
        'max by (service, instance) (scrape_duration_seconds{job="softfactory"})',
        '0 * max by (service, instance) (scrape_duration_seconds{job="softfactory"})',
    ),
    ("ClockSkew", "for: 5m", "for: 4m"),
    ("ClockSkew", "for: 5m", "for: 6m"),
    ("ClockSkew", "keep_firing_for: 30s", "keep_firing_for: 0s"),
    ("ClockSkew", "keep_firing_for: 30s", "keep_firing_for: 1m"),
    ("DatabasePoolSaturated", "threshold:database_pool_in_use:ratio", "0.88"),
    ("DatabasePoolSaturated", "threshold:database_pool_in_use:ratio", "0.92"),
    ("DatabasePoolSaturated", ',state="in_use"', ""),
    ("DatabasePoolSaturated", "> 0", ">= 0"),
    ("DatabasePoolSaturated", "max by (service) (", "min by (service) ("),
    ("DatabasePoolSaturated", "for: 5m", "for: 4m"),
    ("DatabasePoolSaturated", "for: 5m", "for: 6m"),
    ("BookingsStalled", "threshold:booking_requests_minimum:per_second", "0.08"),
    ("BookingsStalled", "threshold:booking_requests_minimum:per_second", "0.12"),
    ("BookingsStalled", "2..", "200"),
    ("BookingsStalled", "2..", "[24].."),
    ("BookingsStalled", 'method="POST",', ""),
    ("BookingsStalled", ',endpoint="/api/bookings"', ""),
    ("BookingsStalled", "for: 5m", "for: 4m"),
    ("BookingsStalled", "for: 5m", "for: 6m"),
    ("FaultInjectionArmed", "?i:", "?:"),
    ("FaultInjectionArmed", "(?i:production|prod|live)", ".*prod.*"),
    ("FaultInjectionArmed", "max by (service)", "min by (service)"),
    ("FaultInjectionArmed", "for: 1m", "for: 30s"),
    ("FaultInjectionArmed", "for: 1m", "for: 2m"),
    ("FaultInjectionArmed", "keep_firing_for: 30s", "keep_firing_for: 0s"),
    ("FaultInjectionArmed", "keep_firing_for: 30s", "keep_firing_for: 1m"),
    ("Watchdog", "vector(1)", 'max(up{job="softfactory"}) == 1'),
    ("Watchdog", "severity: NONE", "severity: LOW"),
    ("AlertDeliveryFailing", "threshold:notifications_failed:ratio", "0.008"),
    ("AlertDeliveryFailing", "threshold:notifications_failed:ratio", "0.013"),
    ("AlertDeliveryFailing", "[15m]", "[5m]"),
    ("AlertDeliveryFailing", "[15m]", "[30m]"),
    ("AlertDeliveryFailing", "service, integration", "service"),
    ("AlertDeliveryFailing", "for: 5m", "for: 4m"),
    ("AlertDeliveryFailing", "for: 5m", "for: 6m"),
    ("ConfigReloadFailed", "min by (service)", "max by (service)"),
    ("ConfigReloadFailed", 'job="prometheus"', 'job="softfactory"'),
    ("ConfigReloadFailed", "for: 5m", "for: 4m"),
    ("ConfigReloadFailed", "for: 5m", "for: 6m"),
    ("ConfigReloadFailed", "keep_firing_for: 30s", "keep_firing_for: 0s"),
    ("ConfigReloadFailed", "keep_firing_for: 30s", "keep_firing_for: 1m"),
    ("RuleEvaluationFailing", "rate(", "last_over_time("),
    ("RuleEvaluationFailing", "[5m]", "[10m]"),
    ("RuleEvaluationFailing", "for: 5m", "for: 4m"),
    ("RuleEvaluationFailing", "for: 5m", "for: 6m"),
    ("RuleEvaluationSlow", "threshold:rule_evaluation_of_interval:ratio", "0.79"),
    ("RuleEvaluationSlow", "threshold:rule_evaluation_of_interval:ratio", "0.82"),
    ("RuleEvaluationSlow", "avg_over_time(", "max_over_time("),
    ("RuleEvaluationSlow", "avg_over_time(", "min_over_time("),
    ("RuleEvaluationSlow", "for: 10m", "for: 9m"),
    ("RuleEvaluationSlow", "for: 10m", "for: 11m"),
    ("RuleEvaluationSlow", "keep_firing_for: 30s", "keep_firing_for: 0s"),
    ("ScrapeSlow", "threshold:scrape_duration_of_timeout:ratio", "0.48"),
    ("ScrapeSlow", "threshold:scrape_duration_of_timeout:ratio", "0.52"),
    ("ScrapeSlow", "avg_over_time(", "max_over_time("),
    (
        "ScrapeSlow",
        'max_over_time(up{job=~"softfactory|prometheus|alertmanager"}[5m])',
        'up{job=~"softfactory|prometheus|alertmanager"}',
    ),
    (
        "ScrapeSlow",
        'max_over_time(up{job=~"softfactory|prometheus|alertmanager"}[5m]) == 1',
        'up{job=~"softfactory|prometheus|alertmanager"} >= 0',
    ),
    ("ScrapeSlow", "|prometheus", ""),
    ("ScrapeSlow", "for: 5m", "for: 4m"),
    ("ScrapeSlow", "for: 5m", "for: 6m"),
    ("ScrapeNearSampleLimit", "threshold:scrape_samples_of_limit:ratio", "0.79"),
    ("ScrapeNearSampleLimit", "threshold:scrape_samples_of_limit:ratio", "0.81"),
    ("ScrapeNearSampleLimit", " > 0)", " >= 0)"),
    ("ScrapeNearSampleLimit", "for: 5m", "for: 4m"),
    ("ScrapeNearSampleLimit", "for: 5m", "for: 6m"),
    ("ScrapeNearSampleLimit", "keep_firing_for: 30s", "keep_firing_for: 0s"),
    ("ScrapeNearSampleLimit", "keep_firing_for: 30s", "keep_firing_for: 1m"),
    ("LogRecordsLost", "rate(", "last_over_time("),
    ("LogRecordsLost", "[5m]", "[10m]"),
    ("LogRecordsLost", "log_shipper_refused_total", "log_shipper_shipped_total"),
    ("LogRecordsLost", "log_shipper_lost_bytes_total", "log_shipper_lag_bytes"),
    ("LogRecordsLost", "for: 2m", "for: 1m"),
    ("LogRecordsLost", "for: 2m", "for: 3m"),
    ("LogShippingStalled", "== 0\n            or", "< 0\n            or"),
    ("LogShippingStalled", 'up{job="log-shipper"}) == 0', 'up{job="log-shipper"}) < 0'),
    ("LogShippingStalled", "min by (service) (up", "max by (service) (up"),
    ("LogShippingStalled", "and on (service)", "or on (service)"),
    ("LogShippingStalled", "[5m])) > 0", "[5m])) >= 0"),
    ("LogShippingStalled", "for: 5m", "for: 4m"),
    ("LogShippingStalled", "for: 5m", "for: 6m"),
    ("CertificateExpiring", "threshold:certificate_left:seconds", "1206000"),
    ("CertificateExpiring", "threshold:certificate_left:seconds", "1216800"),
    ("CertificateExpiring", "(service, certificate)", "(service)"),
    ("CertificateExpiring", "min by", "max by"),
    ("CertificateExpiring", "[5m]", "[1m]"),
    ("CertificateExpiring", "for: 1h", "for: 50m"),
    ("CertificateExpiring", "for: 1h", "for: 70m"),
    ("AvailabilityBudgetBurnFast", "threshold:slo_burn_over_1h:factor", "14.2"),
    ("AvailabilityBudgetBurnFast", "threshold:slo_burn_over_1h:factor", "22"),
    ("AvailabilityBudgetBurnFast", "threshold:slo_burn_over_6h:factor", "5.9"),
    ("AvailabilityBudgetBurnFast", "threshold:slo_burn_over_6h:factor", "7.2"),
    ("AvailabilityBudgetBurnFast", "offset 1h", "offset 1m"),
    ("AvailabilityBudgetBurnSlow", "threshold:slo_burn_over_1d:factor", "2.9"),
    ("AvailabilityBudgetBurnSlow", "threshold:slo_burn_over_3d:factor", "0.99"),
    ("AvailabilityBudgetBurnSlow", "threshold:slo_burn_over_3d:factor", "2"),
    ("AvailabilityBudgetBurnSlow", "offset 2h", "offset 1m"),
    ("LatencyBudgetBurnFast", "threshold:slo_burn_over_1h:factor", "14.2"),
    ("LatencyBudgetBurnFast", "threshold:slo_burn_over_1h:factor", "20"),
    ("LatencyBudgetBurnFast", "threshold:slo_burn_over_6h:factor", "5.9"),
    ("LatencyBudgetBurnFast", "threshold:slo_burn_over_6h:factor", "6.1"),
    ("LatencyBudgetBurnFast", "for: 2m", "for: 20m"),
    ("LatencyBudgetBurnFast", "threshold:slo_traffic_minimum:requests_per_second", "0.85"),
    ("LatencyBudgetBurnFast", "threshold:slo_traffic_minimum:requests_per_second", "1.2"),
    ("LatencyBudgetBurnSlow", "threshold:slo_burn_over_1d:factor", "2.9"),
    ("LatencyBudgetBurnSlow", "threshold:slo_burn_over_1d:factor", "4"),
    ("LatencyBudgetBurnSlow", "threshold:slo_burn_over_3d:factor", "0.98"),
    ("LatencyBudgetBurnSlow", "threshold:slo_burn_over_3d:factor", "1.1"),
    ("SuccessBudgetBurnFast", "threshold:slo_burn_over_1h:factor", "14.2"),
    ("SuccessBudgetBurnFast", "threshold:slo_burn_over_1h:factor", "20"),
    ("SuccessBudgetBurnFast", "threshold:slo_burn_over_6h:factor", "5.9"),
    ("SuccessBudgetBurnSlow", "threshold:slo_burn_over_1d:factor", "2.9"),
    ("SuccessBudgetBurnSlow", "threshold:slo_burn_over_3d:factor", "0.98"),
]


@pytest.fixture(scope="module")
def promtool():
    return find_tools(ToolSettings.from_env(), lambda _: None).promtool.command


def changed(alert: str, old: str, new: str, folder: Path) -> Path:
    """Write a copy of the production rules in which `alert` says `new` where it said `old`.

    An `old` that is the name of a threshold which the alert reads gets the value `new`.
    """
    text = RULES.read_text()
    rule = block(text, f"- alert: {alert}\n")
    assert old in rule, f"{alert} no longer says {old!r}: change this test with it"
    if old.startswith("threshold:"):
        rule = block(text, f"- record: {old}\n")
        wrong = re.sub(r"vector\(.*\)", f"vector({new})", rule)
    else:
        wrong = rule.replace(old, new)
    assert wrong != rule
    copy = folder / "rules.yml"
    copy.write_text(without_other_alerts(text.replace(rule, wrong), alert))
    return copy


def without_other_alerts(text: str, alert: str) -> str:
    """Return the rules without the alerts that no case here looks at: a quarter to parse."""
    other = rf"^ +- alert: (?!{alert}\n).*?(?=^ +- (?:alert|record|name): |\Z)"
    return re.sub(other, "", text, flags=re.MULTILINE | re.DOTALL)


def block(text: str, head: str) -> str:
    """Return one rule's text, from `head` to the next rule."""
    begin = text.index(head)
    following = re.search(r"- (alert|record|name): ", text[begin + 1 :])
    return text[begin : begin + 1 + following.start() if following else len(text)]


@pytest.mark.integration
@pytest.mark.parametrize("unit_file", UNIT_FILES, ids=lambda path: path.stem)
def test_a_rule_passes_its_unit_tests(promtool, unit_file):
    result = run_unit_tests(promtool, RULES, unit_file)
    assert result.passed, result.output
    assert result.alert == unit_file.stem
    assert result.cases >= 2
    assert result.failed == ()


@pytest.mark.integration
@pytest.mark.parametrize(("alert", "old", "new"), MUTANTS)
def test_a_rule_that_says_something_else_fails_its_unit_tests(promtool, alert, old, new, tmp_path):
    result = run_unit_tests(promtool, changed(alert, old, new, tmp_path), UNIT / f"{alert}.yml")
    assert not result.passed
    assert result.failed, "the failing cases have names"


@pytest.mark.integration
def test_a_failure_names_its_case_and_shows_what_was_expected_and_got(promtool, tmp_path):
    rules = changed("HighErrorRate", "threshold:failed_requests:ratio", "0.06", tmp_path)
    result = run_unit_tests(promtool, rules, UNIT / "HighErrorRate.yml")
    assert result.failed == ("fires when just over 5 % of all requests have failed for 5 minutes",)
    assert "exp:" in result.output
    assert "got:" in result.output


@pytest.mark.parametrize("unit_file", UNIT_FILES, ids=lambda path: path.stem)
def test_a_unit_file_has_both_twins_fires_and_stays_quiet(unit_file):
    text = unit_file.read_text()
    assert re.search('- name: "?fires when ', text)
    always = unit_file.stem == "Watchdog"
    assert always or re.search('- name: "?does not fire when ', text)


def test_isolation_keeps_the_rule_and_the_recordings_that_it_reads_in_their_order(tmp_path):
    rules = tmp_path / "rules.yml"
    rules.write_text(
        "groups:\n"
        "  - {name: zero, interval: 2m, rules: [{record: q, expr: x}, {record: p, expr: x}]}\n"
        "  - {name: one, interval: 30s, rules: [{record: t:r, expr: vector(1)},\n"
        "     {record: r, expr: q}, {record: s, expr: r}, {alert: A, expr: r > scalar(t:r)}]}\n"
        "  - {name: two, rules: [{alert: B, expr: r > 1}]}\n"
    )
    assert isolate(rules, "A") == {
        "groups": [
            {"name": "zero", "interval": "2m", "rules": [{"record": "q", "expr": "x"}]},
            {
                "name": "one",
                "interval": "30s",
                "rules": [
                    {"record": "t:r", "expr": "vector(1)"},
                    {"record": "r", "expr": "q"},
                    {"alert": "A", "expr": "r > scalar(t:r)"},
                ],
            },
        ]
    }


def test_an_unknown_alert_is_refused_with_the_known_ones():
    with pytest.raises(UnitTestError, match="no alert 'Typo'; it has SoftFactoryDown, "):
        isolate(RULES, "Typo")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("tests: [", "could not read"),
        ("[]", "not a YAML mapping"),
        ("rule_files: [other.yml]", f"rule_files: .{RULE_FILE}"),
        (f"rule_files: [{RULE_FILE}]\ntests: []", "name"),
        (f"rule_files: [{RULE_FILE}]\ntests: [{{interval: 1m}}]", "name"),
        (
            f"rule_files: [{RULE_FILE}]\n"
            "tests: [{name: a, alert_rule_test: [{eval_time: 1m, alertname: HighCpuUsage}]}]",
            "must test HighCPUUsage and nothing else",
        ),
    ],
)
def test_a_unit_file_that_could_prove_nothing_is_refused(content, complaint, tmp_path):
    unit_file = tmp_path / "HighCPUUsage.yml"
    unit_file.write_text(content)
    with pytest.raises(UnitTestError, match=complaint):
        run_unit_tests(("promtool-is-not-started",), RULES, unit_file)


def test_a_promtool_that_does_not_start_is_an_error_and_not_a_failure():
    with pytest.raises(UnitTestError, match="no-such-promtool test rules"):
        run_unit_tests(("no-such-promtool",), RULES, UNIT / "HighErrorRate.yml")
