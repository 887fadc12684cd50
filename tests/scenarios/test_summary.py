"""The summary fits a screen, hides nothing that is not PASS, and says how long it must take."""

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

from rich.console import Console

from scenarios.drill import Plan
from scenarios.faults.noop import Noop
from scenarios.history import History
from scenarios.model import Drill
from scenarios.report import NotApplicable
from scenarios.result import Result
from scenarios.summary import FITS, longest_chain, print_summary, what_does_not_apply
from scenarios.verdict import Status, Verdict
from stack.derive import Derived
from stack.tools import Tools
from tests.scenarios.test_claims import WANT, history


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


def printed(
    statuses: Mapping[str, Status],
    *,
    every_drill: bool = False,
    repeated: Mapping[str, tuple[str, ...]] | None = None,
    severity: str = WANT.severity,
    synthetic: bool = False,
) -> str:
    noop = Drill(alert="A", fault=Noop(), synthetic=synthetic)
    plans = {
        name: Plan(
            drill=replace(noop, cause=name.removeprefix("A-")),
            want=replace(WANT, severity=severity),
        )
        for name in statuses
    }
    result = Result(
        plans=plans,
        histories={name: history() for name in plans},
        controls=dict.fromkeys(plans, History.of("control", [])),
        monitoring={},
        phases={"drills": 10.0},
        derived={"main": cast(Derived, SimpleNamespace(time_scale=60.0))},
        tools=cast(Tools, None),
        metric_names=frozenset(),
        repeated=repeated or {},
    )
    verdicts = {
        name: [Verdict(claim="fires", status=status, expected="", observed="")]
        for name, status in statuses.items()
    }
    console = Console(file=io.StringIO(), width=160)
    print_summary(console, result, verdicts, [], every_drill=every_drill)
    return cast(io.StringIO, console.file).getvalue()


MANY = {f"A-{number:02d}": Status.PASS for number in range(FITS + 1)}


def test_a_few_drills_have_a_line_each() -> None:
    assert "A-1 " in printed({"A-1": Status.PASS, "A-2": Status.PASS})


def test_many_drills_are_summed_up_by_severity_with_the_one_closest_to_its_bound() -> None:
    seen = printed(MANY)
    assert ["HIGH", "25", "25"] in [line.split()[:3] for line in seen.splitlines()]
    assert "6.0 of 7.5 s" in seen
    assert len(seen.splitlines()) < FITS


def test_of_many_drills_each_that_is_not_pass_has_its_line() -> None:
    seen = printed(MANY | {"A-03": Status.FAIL, "A-04": Status.UNKNOWN})
    assert ["HIGH", "25", "23"] not in [line.split()[:3] for line in printed(MANY).splitlines()]
    assert ["HIGH", "25", "23"] in [line.split()[:3] for line in seen.splitlines()]
    assert [line.split()[0] for line in seen.splitlines() if line.startswith("A-")] == [
        "A-03",
        "A-04",
    ]


def test_every_drill_has_a_line_where_that_is_asked_for() -> None:
    assert len(printed(MANY, every_drill=True).splitlines()) > FITS


def test_what_was_drilled_again_is_said_with_the_reason() -> None:
    seen = printed({"A-1": Status.PASS}, repeated={"A-1": ("2 scrapes were lost",)})
    assert "drilled again  A-1: 2 scrapes were lost" in seen


def test_what_does_not_apply_for_one_reason_is_one_line() -> None:
    claims = [
        ("test_fires[A-1]", "no engine"),
        ("test_x", "no URL"),
        ("test_bit[A-2]", "no engine"),
    ]
    assert what_does_not_apply([NotApplicable(test=test, reason=why) for test, why in claims]) == [
        "NOT APPLICABLE  2 claims of A-1, A-2: no engine",
        "NOT APPLICABLE  test_x: no URL",
    ]


def test_drills_of_a_severity_of_a_team_s_own_are_counted_too() -> None:
    many = {f"A-{number}": Status.PASS for number in range(FITS + 1)}
    assert "warning" in printed(many, severity="warning")


def test_what_was_played_is_said_to_prove_nothing_of_a_service() -> None:
    said = printed({"A-synthetic": Status.PASS}, synthetic=True)
    assert "synthetic  A-synthetic: series were played" in said
    assert "synthetic  " not in printed({"A-1": Status.PASS})
