"""A drill is repeated where there is evidence that it was disturbed, and for no other reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from scenarios import attempts
from scenarios.attempts import disturbance, drilled, joined, without_idle_starvation
from scenarios.attribution import attribution, declared_alone
from scenarios.catalogue import drills
from scenarios.claims import watchers_quiet
from scenarios.drill import Plan
from scenarios.faults.noop import Noop
from scenarios.history import Event, History, Kind
from scenarios.model import Drill
from scenarios.result import Monitoring, Result
from scenarios.settings import Settings
from scenarios.site import CONTROL
from scenarios.verdict import Status
from stack.tools import Tools
from tests.scenarios.test_claims import ALERT, SERVICE, WANT, event, history, told

PLAN = Plan(drill=Drill(alert=ALERT, fault=Noop()), want=WANT)
CALM = History.of(CONTROL, [])
STARVED = (event(12, Kind.FIRING, "ScrapeSlow"), event(14, Kind.INACTIVE, "ScrapeSlow"))
LOST = event(12, Kind.SCRAPE_FAILED)


def control(*events: Event) -> History:
    return History.of(CONTROL, events)


def test_a_good_drill_beside_a_calm_control_was_not_disturbed() -> None:
    assert not disturbance(PLAN, history(), CALM)


@pytest.mark.parametrize(
    "seen",
    [
        history(event(11, Kind.DISTURBED)),
        history(without=(Kind.ENDED,)),
        history(LOST, event(12.25, Kind.SCRAPE_FAILED)),
        history(*STARVED),
        history(LOST, told(17, "slack #alerts")),
    ],
    ids=["failed", "unfinished", "two scrapes lost", "starved", "one lost and told twice"],
)
def test_what_spoils_the_evidence_of_a_drill_disturbs_it(seen: History) -> None:
    assert disturbance(PLAN, seen, CALM)


def test_one_lost_scrape_beside_verdicts_that_all_stand_disturbs_nothing() -> None:
    assert not disturbance(PLAN, history(LOST), CALM)


@pytest.mark.parametrize(
    "seen",
    [
        history(without=(Kind.FIRING, Kind.DELIVERED)),
        history(event(12, Kind.FIRING, "Other")),
        history(event(11, Kind.DISTURBED), event(10.5, Kind.FIRING, "Other")),
        history(LOST, told(17, "pagerduty")),
        history(LOST, told(17, "slack #alerts", headline="nonsense")),
    ],
    ids=["silent", "stranger", "unfinished for a stranger", "wrong receiver", "wrong words"],
)
def test_a_failure_that_no_disturbance_explains_is_final(seen: History) -> None:
    assert not disturbance(PLAN, seen, CALM)


@pytest.mark.parametrize("alert", ["ScrapeSlow", "RuleEvaluationSlow"])
def test_a_twin_that_fires_itself_is_no_starved_machine(alert: str) -> None:
    twin = Plan(
        drill=Drill(alert=alert, cause="below", fault=Noop(), fires=False),
        want=replace(WANT, alert=alert, declared=frozenset()),
    )
    loud = event(12, Kind.FIRING, alert)
    assert not disturbance(twin, history(loud, without=(Kind.FIRING, Kind.DELIVERED)), CALM)


def test_a_neighbour_that_starves_meanwhile_disturbs_and_one_before_or_after_does_not() -> None:
    early = [replace(one, at=one.at - 10) for one in STARVED]
    late = [replace(one, at=one.at + 20) for one in STARVED]
    lasting = [replace(STARVED[0], at=1.0)]
    assert disturbance(PLAN, history(), control(*STARVED))
    assert disturbance(PLAN, history(), control(*lasting))
    assert disturbance(PLAN, history(), CALM, watchers=[control(*STARVED)])
    assert not disturbance(PLAN, history(), control(*early))
    assert not disturbance(PLAN, history(), control(*late))


TWO_LOST = (LOST, event(12.25, Kind.SCRAPE_FAILED))
DOWN = replace(PLAN, want=replace(WANT, downtime=True))


def test_scrapes_that_the_control_loses_excuse_a_failure_of_a_drill_that_is_down_itself() -> None:
    late = history(told(17, "slack #alerts"))
    assert disturbance(DOWN, late, control(*TWO_LOST))
    assert not disturbance(DOWN, late, control(LOST))
    assert not disturbance(DOWN, history(), control(*TWO_LOST))
    assert not disturbance(PLAN, late, control(*TWO_LOST))


def test_a_machine_without_processor_time_excuses_a_failure_of_a_drill_that_is_down_itself() -> (
    None
):
    late = history(told(17, "slack #alerts"))
    unreached = history(event(12, Kind.FIRING, "SoftFactoryDown"))
    stranger = history(event(12, Kind.FIRING, "Other"))
    failing = {"late": late, "unreached": unreached, "stranger": stranger}
    excused = {
        name for name, seen in failing.items() if disturbance(DOWN, seen, CALM, starved=[12.0])
    }
    assert excused == {"late", "unreached"}
    for seen in failing.values():
        assert not disturbance(DOWN, seen, CALM)
        assert not disturbance(DOWN, seen, CALM, starved=[0.0, 1e9])
        assert not disturbance(PLAN, seen, CALM, starved=[12.0])


def test_a_drill_that_breaks_its_watchers_is_not_excused_by_what_they_did_not_scrape() -> None:
    broken = replace(DOWN, drill=replace(PLAN.drill, subject="prometheus"))
    assert not disturbance(broken, history(told(17, "slack #alerts")), control(*TWO_LOST))


def result(histories: Mapping[str, History], watcher: History) -> Result:
    return Result(
        plans={SERVICE: PLAN},
        histories=histories,
        controls={SERVICE: histories[CONTROL]},
        monitoring={
            "main": Monitoring(watchers={"prometheus": watcher}, strangers=History.of("none", []))
        },
        phases={"drills": 10.0},
        derived={},
        tools=cast(Tools, None),
        metric_names=frozenset({"up"}),
    )


def moved(one: History, by: float) -> History:
    return replace(one, events=tuple(replace(event, at=event.at + by) for event in one.events))


SPOILT = result({SERVICE: history(*STARVED), CONTROL: control(*STARVED)}, control(*STARVED))
AGAIN = result({SERVICE: moved(history(), 100), CONTROL: CALM}, CALM)


def verdicts_on_all(seen: Result) -> set[Status]:
    watchers = [one for beside in seen.monitoring.values() for one in beside.watchers.values()]
    return {
        declared_alone(attribution(seen)).status,
        *(watchers_quiet(one).status for one in watchers),
    }


def test_what_was_drilled_again_counts_as_it_went_then_and_old_starvation_says_nothing() -> None:
    seen = joined(without_idle_starvation(SPOILT, kept=()), AGAIN)
    assert seen.histories[SERVICE] == AGAIN.histories[SERVICE]
    assert seen.phases["again"] == 10.0
    assert verdicts_on_all(seen) == {Status.PASS}


def test_starvation_while_a_drill_that_is_left_went_on_stays_unknown() -> None:
    assert verdicts_on_all(without_idle_starvation(SPOILT, kept={SERVICE})) == {Status.UNKNOWN}


def test_what_a_later_attempts_control_says_of_a_starved_machine_counts_beside_a_drill_alone() -> (
    None
):
    def attempted(*starved: Event) -> Result:
        again = result({SERVICE: moved(history(), 100), CONTROL: control(*starved)}, CALM)
        seen = joined(without_idle_starvation(SPOILT, kept=()), again)
        return without_idle_starvation(seen, seen.plans.keys())

    beside = moved(control(*STARVED), 100).events
    late = moved(control(*STARVED), 500).events
    assert verdicts_on_all(attempted(*beside)) == {Status.UNKNOWN, Status.PASS}
    assert verdicts_on_all(attempted(*late)) == {Status.PASS}


def test_another_alert_of_the_first_attempts_control_or_watcher_still_fails() -> None:
    stranger = event(12, Kind.FIRING, "ConfigReloadFailed")
    spoilt = result({SERVICE: history(*STARVED), CONTROL: control(stranger)}, control(stranger))
    seen = joined(without_idle_starvation(spoilt, kept=()), AGAIN)
    assert verdicts_on_all(seen) == {Status.FAIL, Status.PASS}


def test_a_disturbed_drill_is_run_again_on_a_stack_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts = iter([{"FaultInjectionArmed": "for this test"}, {}])
    seen: list[Result] = []

    def once(found: Result) -> Mapping[str, str]:
        seen.append(found)
        return next(verdicts)

    monkeypatch.setattr(attempts, "disturbed", once)
    chosen = [one for one in drills() if one.id == "FaultInjectionArmed"]
    said: list[str] = []
    with drilled(Settings(reports=tmp_path), chosen, said.append) as (campaign, found):
        assert campaign.prometheus.targets()
    first, second = seen
    assert found.histories["FaultInjectionArmed"] == second.histories["FaultInjectionArmed"]
    assert first.histories["FaultInjectionArmed"].events[-1].at < (
        second.histories["FaultInjectionArmed"].events[0].at
    )
    assert found.repeated == {"FaultInjectionArmed": ("for this test",)}
    assert any("drilled again" in line for line in said)
