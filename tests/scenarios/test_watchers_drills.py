"""What drills that break the watchers promise follows from the configuration and the scenario."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from scenarios.attribution import attribution, declared_alone
from scenarios.berth import control_of
from scenarios.budget import NOTIFY_MINIMUM
from scenarios.catalogue import drills
from scenarios.drill import Plan
from scenarios.expectation import Expectation, expect
from scenarios.faults.fault import FaultDidNotBite
from scenarios.faults.watching import LogTail, watchers_of
from scenarios.history import Event, History, Kind
from scenarios.quiet_claims import quiet
from scenarios.verdict import Status
from stack.derive import Derived, RunAddresses, derive
from stack.production import production_files
from stack.receivers import DEAD_MANS_SWITCH

CATALOGUE = {drill.id: drill for drill in drills()}
SAMPLE = timedelta(seconds=0.25)


def derived(scale: float) -> Derived:
    run = RunAddresses(
        prometheus_targets_glob=Path("/run/targets/*.yml"),
        prometheus="127.0.0.1:1",
        alertmanager="127.0.0.1:2",
        pagerduty_url="http://127.0.0.1:3",
        smtp_smarthost="localhost:4",
        smtp_ca_file=Path("/run/ca.pem"),
        secrets_directory=Path("/run/secrets"),
    )
    groups = {"monitoring"}
    return derive(production_files(), time_scale=scale, run=run, groups=groups)


def want(drill: str, scale: float = 60) -> Expectation:
    return expect(derived(scale), CATALOGUE[drill], probe=SAMPLE)


def test_a_missed_heartbeat_is_paged_by_the_switch_after_period_and_grace() -> None:
    expected = want("Watchdog-prometheus")
    heart = expected.heartbeat
    assert heart is not None
    assert (heart.period, heart.grace) == (timedelta(seconds=5), timedelta(seconds=2))
    assert heart.lasts == timedelta(seconds=4)
    assert expected.receivers == {DEAD_MANS_SWITCH}
    assert expected.bounds.arrives == timedelta(seconds=4 + 7 + 1)


def test_what_is_not_scaled_is_the_tick_of_discovery_alone() -> None:
    assert want("Watchdog-prometheus").bounds.resolution_arrives < timedelta(seconds=9)
    in_production = want("Watchdog-prometheus", scale=1).heartbeat
    assert in_production is not None
    assert in_production.missed == timedelta(minutes=7)


@pytest.mark.parametrize("cause", ["refused", "server-error"])
def test_a_failed_delivery_waits_until_alertmanager_gives_up(cause: str) -> None:
    bounds = want(f"AlertDeliveryFailing-{cause}").bounds
    assert bounds.crossing == NOTIFY_MINIMUM
    assert bounds.resolves > NOTIFY_MINIMUM + timedelta(seconds=15)


def test_in_production_it_tries_for_the_group_interval() -> None:
    bounds = want("AlertDeliveryFailing-refused", scale=1).bounds
    assert bounds.crossing == timedelta(seconds=30)


def test_a_drill_without_a_subject_may_not_break_its_watchers() -> None:
    with pytest.raises(FaultDidNotBite, match="give its Drill a subject"):
        watchers_of(SimpleNamespace(id="shop", watchers=None))  # type: ignore[arg-type]  # a part


def test_a_log_is_read_from_where_the_fault_began(tmp_path: Path) -> None:
    log = tmp_path / "prometheus.log"
    log.write_text("refused, long ago\n")
    tail = LogTail(log)
    assert tail.line_with("refused") == ""
    with log.open("a") as file:
        file.write("loaded\nrefused just now\n")
    assert tail.line_with("refused") == "refused just now"


def raised(service: str, *alerts: str) -> History:
    firing = [Event(at=2.0, kind=Kind.FIRING, alert=alert) for alert in alerts]
    return History.of(service, [*firing, Event(at=3.0, kind=Kind.ENDED)])


def test_what_a_watchers_fault_may_raise_it_may_raise_in_its_own_service() -> None:
    expected, drill = want("Watchdog-prometheus"), CATALOGUE["Watchdog-prometheus"]
    about, service = raised("monitoring", "Watchdog"), raised(drill.id, "SoftFactoryDown")
    assert quiet(about, expected, service).status is Status.PASS
    other = raised(drill.id, "HighErrorRate")
    assert quiet(about, expected, other).status is Status.FAIL
    assert quiet(about, want("Watchdog-alertmanager"), service).status is Status.FAIL


@pytest.mark.parametrize(
    ("alert", "status"), [("SoftFactoryDown", "PASS"), ("DiskFilling", "FAIL")]
)
def test_the_matrix_knows_what_it_may_raise_in_its_own_service(alert: str, status: str) -> None:
    drill = CATALOGUE["Watchdog-prometheus"]
    result = SimpleNamespace(
        plans={drill.id: Plan(drill=drill, want=want(drill.id))},
        histories={
            drill.id: raised("monitoring", "Watchdog"),
            control_of(drill.watched_by): raised(drill.id, alert),
        },
    )
    assert declared_alone(attribution(result)).status == status  # type: ignore[arg-type]  # a part
