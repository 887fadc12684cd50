"""A drill was disturbed where there is evidence of it, and for no other reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scenarios.berth import CONTROL
from scenarios.disturbance import disturbance
from scenarios.drill import Plan
from scenarios.faults.noop import Noop
from scenarios.history import Event, History, Kind
from scenarios.model import Drill
from tests.scenarios.test_claims import ALERT, WANT, event, history, told

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


def test_an_engine_that_shows_samples_too_late_disturbs_what_was_late_and_nothing_else() -> None:
    hidden = replace(event(12, Kind.HIDDEN), text="the newest sample was seen after 9.1 s")
    late = history(hidden, without=(Kind.FIRING, Kind.DELIVERED))
    assert disturbance(PLAN, late, CALM).startswith("the newest sample was seen after 9.1 s, and")
    assert not disturbance(PLAN, history(hidden), CALM)
    assert not disturbance(PLAN, history(hidden, told(17, "pagerduty")), CALM)


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


BURNS = event(12.5, Kind.FIRING, "AvailabilityBudgetBurnFast")


def test_a_budget_that_a_lost_scrape_spends_disturbs_the_drill_beside_and_its_own() -> None:
    assert "of the control" in disturbance(PLAN, history(), control(LOST, BURNS))
    assert "of the control" in disturbance(DOWN, history(), control(LOST, BURNS))
    assert disturbance(PLAN, history(LOST, BURNS), CALM)


def test_a_budget_that_is_spent_without_a_lost_scrape_is_a_failure_that_stays() -> None:
    assert not disturbance(PLAN, history(), control(BURNS))
    assert not disturbance(PLAN, history(BURNS), CALM)
    assert not disturbance(DOWN, history(LOST, BURNS), CALM)


def test_another_claim_that_is_unknown_is_not_explained_by_what_the_control_lost() -> None:
    never_bit = history(event(11, Kind.NOT_WITNESSED), without=(Kind.WITNESSED,))
    assert not disturbance(PLAN, never_bit, control(LOST))


def test_an_unfinished_drill_beside_such_a_budget_is_drilled_again() -> None:
    unfinished = history(without=(Kind.ENDED,))
    assert disturbance(PLAN, unfinished, control(LOST, BURNS))
    assert not disturbance(PLAN, unfinished, control(BURNS))
