"""What was drilled again counts as it went then, and nothing else is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from scenarios.attribution import attribution, declared_alone
from scenarios.berth import CONTROL
from scenarios.history import Event, History, Kind
from scenarios.joining import joined, without_idle_starvation
from scenarios.quiet_claims import watchers_quiet
from scenarios.result import Monitoring, Result
from scenarios.verdict import Status
from stack.tools import Tools
from tests.scenarios.test_claims import SERVICE, event, history
from tests.scenarios.test_disturbance import CALM, PLAN, STARVED, control


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


def test_a_disturbance_says_nothing_once_its_drills_were_drilled_again() -> None:
    lost = event(12, Kind.DISTURBED)
    spoilt = result({SERVICE: history(lost), CONTROL: control()}, control(lost))
    assert Status.UNKNOWN in verdicts_on_all(without_idle_starvation(spoilt, kept={SERVICE}))
    again = joined(without_idle_starvation(spoilt, kept=()), AGAIN)
    assert verdicts_on_all(without_idle_starvation(again, again.plans.keys())) == {Status.PASS}


def test_another_alert_of_the_first_attempts_control_or_watcher_still_fails() -> None:
    stranger = event(12, Kind.FIRING, "ConfigReloadFailed")
    spoilt = result({SERVICE: history(*STARVED), CONTROL: control(stranger)}, control(stranger))
    seen = joined(without_idle_starvation(spoilt, kept=()), AGAIN)
    assert verdicts_on_all(seen) == {Status.FAIL, Status.PASS}


def test_a_budget_that_lost_scrapes_spent_says_nothing_once_its_drills_were_drilled_again() -> None:
    spends = (event(12, Kind.SCRAPE_FAILED), event(12.5, Kind.FIRING, "AvailabilityBudgetBurnFast"))
    spoilt = result({SERVICE: history(), CONTROL: control(*spends)}, control())
    kept = verdicts_on_all(without_idle_starvation(spoilt, kept={SERVICE}))
    assert kept == {Status.UNKNOWN, Status.PASS}
    again = joined(without_idle_starvation(spoilt, kept=()), AGAIN)
    assert verdicts_on_all(again) == {Status.PASS}
    unexplained = result({SERVICE: history(), CONTROL: control(spends[1])}, control())
    again = joined(without_idle_starvation(unexplained, kept=()), AGAIN)
    assert verdicts_on_all(again) == {Status.FAIL, Status.PASS}
