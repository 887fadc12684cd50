"""The summary says how long the drills must take at the least."""

from dataclasses import replace
from datetime import timedelta

from scenarios.drill import Plan
from scenarios.faults.noop import Noop
from scenarios.model import Drill
from scenarios.report import longest_chain
from tests.scenarios.test_claims import WANT


def plan(seconds: float, *, fires: bool = True) -> Plan:
    bounds = replace(WANT.bounds, minimum=timedelta(seconds=seconds))
    return Plan(
        drill=Drill(alert="A", cause=f"{seconds:g}", fault=Noop(), fires=fires),
        want=replace(WANT, bounds=bounds),
    )


def test_the_longest_chain_is_that_of_an_alert_that_must_fire() -> None:
    found = longest_chain([plan(3), plan(60), plan(90, fires=False)])
    assert found is not None
    assert found.drill.id == "A-60"


def test_a_run_of_twins_has_no_chain() -> None:
    assert longest_chain([plan(90, fires=False)]) is None
