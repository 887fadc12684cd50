"""A drill becomes one of the application's, or has a reason why it can't be had."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.catalogue import drills
from scenarios.conditions import JOURNEY, TASKS
from scenarios.expectation import RECEIVERS
from scenarios.faults.age_backup_file import AgeBackupFile
from scenarios.faults.delay import Delay
from scenarios.model import BUDGETS, MAIN, Drill
from scenarios.own_app.applicability import Applicability, DoesNotApply, OwnRules
from scenarios.own_app.application import OwnApp
from scenarios.own_app.block import OwnDatabase
from scenarios.own_app.exposed import MetricsMapping
from scenarios.own_app.survey import Route, Survey
from stack.production import production_files
from stack.rules import load_rules

RULES = load_rules(production_files().rules.read_text(), "alert-rules.yml")
CATALOGUE = {drill.id: drill for drill in drills()}
EXPOSED = frozenset(
    f"softfactory_{name}"
    for name in (
        *("requests_total", "request_latency_ms_bucket", "request_latency_ms_count", "ready"),
        *("memory_percent", "cpu_seconds_total", "cpu_limit_cores", "requests_in_flight"),
        *("request_capacity", "log_records_total", "log_records_lost_total", "database_up"),
        *("fault_injection_enabled", "uptime_seconds", "disk_free_bytes", "disk_size_bytes"),
        *("clock_timestamp_seconds", "backup_last_success_timestamp_seconds"),
    )
)
ROUTES = (
    Route(rule="/a", methods=("GET",), status=200),
    Route(rule="/b", methods=("GET",), status=200),
    Route(rule="/login", methods=("GET",), status=302),
    Route(rule="/a/<int:n>", methods=("GET",), arguments=("n",)),
)
APP = OwnApp(name="shop:app", paths=())


def applicable(
    own: OwnApp = APP,
    *,
    metrics: frozenset[str] = EXPOSED,
    routes: tuple[Route, ...] = ROUTES,
    edges: tuple[str, ...] = (),
    memory_bytes: int = 0,
) -> Applicability:
    survey = Survey(
        instrumented=False, routes=routes, metrics=metrics, edges=edges, memory_bytes=memory_bytes
    )
    return Applicability(own=own, survey=survey, rules=RULES)


def adapted(name: str, **named: object) -> Drill:
    return applicable(**named).adapted(CATALOGUE[name])


@pytest.mark.parametrize(
    "name",
    [
        *("SoftFactoryDown-killed", "HighErrorRate", "SlowResponseTime", "HighMemoryUsage"),
        *("CriticalMemoryUsage", "HighCPUUsage", "InstanceDown", "TrafficGone", "RestartLoop"),
        *("ServiceNotReady", "RequestsSaturated", "ScanSuspected", "EndpointSlow"),
        *("LogRecordsLost", "CertificateExpiring", "ClockSkew", "DiskFilling-logs"),
        *("FaultInjectionArmed", "AvailabilityBudgetBurnFast", "SuccessBudgetBurnFast"),
    ],
)
def test_what_any_application_can_have_applies(name: str) -> None:
    adapted(name)


def test_the_demo_s_requests_become_the_application_s_pages() -> None:
    assert adapted("HighErrorRate").load.journey == {"GET /a": 5, "GET /b": 5}


def test_the_tasks_of_a_locust_file_are_the_load_where_there_is_one() -> None:
    own = replace(APP, locustfile=Path("load.py"))
    assert adapted("HighErrorRate", own=own).load.journey == {TASKS: sum(JOURNEY.values())}


def test_pages_that_are_named_come_before_those_that_were_found() -> None:
    own = replace(APP, journey={"GET /z": 1, "POST /z": 1})
    assert applicable(own).pages == ("GET /z",)


def test_a_rare_page_is_the_application_s_second_one() -> None:
    drill = adapted("EndpointSlow")
    assert drill.load.journey == {"GET /a": 29, "GET /b": 1}
    assert isinstance(drill.fault, Delay)
    assert drill.fault.only == ("GET /b",)


def test_a_large_application_gets_a_larger_limit_so_that_it_is_well_while_idle() -> None:
    drill = adapted("HighMemoryUsage", memory_bytes=300 * 2**20)
    assert 300 / drill.service.memory_limit_mb < 0.5
    assert adapted("HighMemoryUsage").service == CATALOGUE["HighMemoryUsage"].service


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("FailedPayments-gateway-errors", "exposes no softfactory_payment_attempts_total"),
        ("BookingsStalled", "has no endpoint /api/bookings"),
        ("DatabasePoolSaturated", "exposes no softfactory_database_pool_connections"),
        ("DatabaseUnhealthy", r"name its file in \[tool.alertproof.database\]"),
        ("FailedDatabaseBackup-too-old", r"name its file in \[tool.alertproof\] backup"),
        ("UnauthorizedSurge", r"name such a request in \[tool.alertproof\] unauthorized"),
        ("SoftFactoryDown-disconnected", "breaks a container"),
        ("DiskFilling-database", "the demo service's database"),
    ],
)
def test_what_only_the_demo_has_does_not_apply_and_says_why(name: str, reason: str) -> None:
    with pytest.raises(DoesNotApply, match=reason):
        adapted(name)


def test_what_is_named_in_the_settings_applies() -> None:
    own = replace(
        APP,
        database=OwnDatabase(file=Path("shop.db"), reads="GET /b"),
        backup=Path("backup.db"),
        unauthorized="GET /orders",
    )
    assert adapted("DatabaseUnhealthy", own=own).fault == CATALOGUE["DatabaseUnhealthy"].fault
    assert applicable(own).page() == "/b"
    assert isinstance(adapted("FailedDatabaseBackup-too-old", own=own).fault, AgeBackupFile)
    refused = adapted("UnauthorizedSurge", own=own).fault
    assert getattr(refused, "requests", None) == {"GET /orders": sum(JOURNEY.values())}


def test_one_page_is_too_few_to_tell_apart() -> None:
    with pytest.raises(DoesNotApply, match="needs 2 pages to tell apart, and shop:app has 1"):
        adapted("EndpointSlow", routes=ROUTES[:1])


def test_no_path_is_unknown_where_a_route_takes_all() -> None:
    catching = (*ROUTES, Route(rule="/<path:rest>", methods=("GET",), arguments=("rest",)))
    with pytest.raises(DoesNotApply, match="no path is unknown where /<path:rest> is a route"):
        adapted("ScanSuspected", routes=catching)


OWN_METRICS = replace(
    APP, metrics=MetricsMapping(path="/metrics", requests="r_total", latency="t_seconds")
)
MAPPED = frozenset(
    {
        "softfactory_requests_total",
        "softfactory_request_latency_ms_bucket",
        "softfactory_request_latency_ms_count",
    }
)


def test_rules_on_what_is_mapped_apply_and_all_others_say_what_to_map() -> None:
    adapted("HighErrorRate", own=OWN_METRICS, metrics=MAPPED, edges=("1.0",))
    with pytest.raises(DoesNotApply, match=r"map one of its own to it in \[tool.alertproof.metri"):
        adapted("HighMemoryUsage", own=OWN_METRICS, metrics=MAPPED)


def test_a_histogram_without_an_edge_at_the_objective_can_not_tell_it() -> None:
    with pytest.raises(DoesNotApply, match="t_seconds has no bucket that ends at 1 s"):
        adapted("EndpointSlow", own=OWN_METRICS, metrics=MAPPED, edges=("2.0", "0.5"))


def test_an_application_s_own_exposition_is_not_crowded() -> None:
    with pytest.raises(DoesNotApply, match="another is scraped"):
        adapted("ScrapeNearSampleLimit", own=OWN_METRICS, metrics=MAPPED)


THEIRS = """
groups:
  - name: g
    rules:
      - alert: HighErrorRate
        expr: sum by (service) (rate(softfactory_requests_total{status=~"5.."}[5m])) > 0.99
        labels: {severity: HIGH}
      - alert: SoftFactoryDown
        expr: up == 0
        labels: {severity: page}
"""


def test_rules_that_lack_an_alert_or_promise_nobody_do_not_bear_its_drill() -> None:
    bearing = OwnRules(rules=load_rules(THEIRS, "their.yml"), promised=RECEIVERS)
    with pytest.raises(DoesNotApply, match=r"their\.yml defines no such alert"):
        bearing.adapted(CATALOGUE["SlowResponseTime"])
    with pytest.raises(DoesNotApply, match=r"severity 'page', of which nobody is promised"):
        bearing.adapted(CATALOGUE["SoftFactoryDown-killed"])


def test_a_fault_that_never_reaches_their_threshold_does_not_apply() -> None:
    bearing = OwnRules(rules=load_rules(THEIRS, "their.yml"), promised=RECEIVERS)
    with pytest.raises(DoesNotApply, match="never crosses the threshold"):
        bearing.adapted(CATALOGUE["HighErrorRate"])


def test_what_a_drill_hushes_is_what_their_rules_have_of_it() -> None:
    with_down = THEIRS.replace("severity: page", "severity: CRITICAL")
    bearing = OwnRules(rules=load_rules(with_down, "their.yml"), promised=RECEIVERS)
    drill = replace(CATALOGUE["SoftFactoryDown-killed"], hushes={"HighErrorRate", "Gone"})
    assert bearing.adapted(drill).hushes == {"HighErrorRate"}


def test_a_drill_runs_where_the_group_of_its_rule_is_evaluated() -> None:
    short = THEIRS.replace("alert: SoftFactoryDown", "alert: AvailabilityBudgetBurnFast").replace(
        "severity: page", "severity: CRITICAL"
    )
    drill = CATALOGUE["AvailabilityBudgetBurnFast"]
    bearing = OwnRules(rules=load_rules(short, "their.yml"), promised=RECEIVERS)
    assert (drill.stack, bearing.adapted(drill).stack) == (BUDGETS, MAIN)
    long = OwnRules(rules=load_rules(short.replace("5m", "1d"), "their.yml"), promised=RECEIVERS)
    with pytest.raises(DoesNotApply, match="looks back over more than 2h"):
        long.adapted(CATALOGUE["HighErrorRate"])


def test_every_drill_of_the_demo_is_borne_by_the_toolkit_s_own_rules() -> None:
    bearing = OwnRules(rules=RULES, promised=RECEIVERS)
    for drill in CATALOGUE.values():
        bearing.adapted(drill)
