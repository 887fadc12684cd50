"""An objective that is missed fails, one that is met passes, and what can't be told is UNKNOWN."""

from __future__ import annotations

import pytest

from loadtests.objectives import (
    SUCCESS_RATIO,
    WITHIN_MS,
    WITHIN_RATIO,
    Objectives,
    ObjectivesError,
    Status,
    Tally,
    judge,
    line_of,
    overall,
    read_lines,
    written,
)
from stack.production import production_files
from stack.rules import load_rules

DEFAULT = Objectives()


def tally(*, fast: int = 0, slow: int = 0, failed: int = 0, lost: int = 0) -> Tally:
    found = Tally(DEFAULT.within_ms)
    for _ in range(fast):
        found.add(10.0, failed=False, answered=True)
    for _ in range(slow):
        found.add(1500.0, failed=False, answered=True)
    for _ in range(failed):
        found.add(10.0, failed=True, answered=True)
    for _ in range(lost):
        found.add(10.0, failed=True, answered=False)
    return found


def verdicts(found: Tally, **changed: float) -> list[Status]:
    return [one.status for one in judge(found, Objectives(**changed))]


def test_the_objectives_are_those_of_the_rules() -> None:
    rules = load_rules(production_files().rules.read_text())
    budget = {
        one.labels["slo"]: one.constant
        for one in rules.recordings
        if one.name == "threshold:slo_error_budget:ratio"
    }
    (objective,) = [
        one.constant for one in rules.recordings if one.name.startswith("threshold:latency_obj")
    ]
    assert objective == WITHIN_MS
    assert pytest.approx(1 - WITHIN_RATIO) == budget["latency"]
    assert pytest.approx(1 - SUCCESS_RATIO) == budget["success"]


def test_a_run_in_which_all_is_well_passes() -> None:
    assert verdicts(tally(fast=100)) == [Status.PASS, Status.PASS]


@pytest.mark.parametrize(("slow", "status"), [(5, Status.PASS), (6, Status.FAIL)])
def test_one_slow_answer_too_many_fails(slow: int, status: Status) -> None:
    assert verdicts(tally(fast=100 - slow, slow=slow))[0] is status


def test_an_answer_at_the_very_objective_is_in_time_and_one_beyond_it_is_not() -> None:
    found = Tally(1000.0)
    found.add(1000.0, failed=False, answered=True)
    found.add(1000.01, failed=False, answered=True)
    assert (found.requests, found.within) == (2, 1)


def test_a_failure_is_one_however_fast_and_a_lost_request_was_not_in_time_either() -> None:
    assert verdicts(tally(fast=99, failed=1)) == [Status.PASS, Status.FAIL]
    assert verdicts(tally(fast=90, lost=10)) == [Status.FAIL, Status.FAIL]


def test_no_request_at_all_is_unknown_and_not_met() -> None:
    claims = judge(tally(), DEFAULT)
    assert {one.status for one in claims} == {Status.UNKNOWN}
    assert claims[0].observed_ratio is None


def test_too_few_requests_to_tell_are_unknown_unless_they_failed() -> None:
    assert DEFAULT.fewest_requests == 20
    assert verdicts(tally(fast=19)) == [Status.UNKNOWN, Status.UNKNOWN]
    assert verdicts(tally(fast=20)) == [Status.PASS, Status.PASS]
    assert verdicts(tally(fast=10, failed=9))[1] is Status.FAIL
    assert Objectives(within_ratio=1.0).fewest_requests == 1
    assert Objectives(within_ratio=0.99).fewest_requests == 100


def test_a_count_that_can_not_be_trusted_passes_nothing_and_excuses_nothing() -> None:
    good = judge(tally(fast=100), DEFAULT, disturbed=["a worker was lost"])
    assert {one.status for one in good} == {Status.UNKNOWN}
    assert good[0].because == "a worker was lost"
    bad = judge(tally(slow=100), DEFAULT, disturbed=["a worker was lost"])
    assert bad[0].status is Status.FAIL


def test_what_workers_counted_is_one_count() -> None:
    master, worker = tally(), tally(fast=7, slow=2, failed=1)
    master.merge(worker.take())
    master.merge(worker.take())  # nothing new since
    worker.add(10.0, failed=False, answered=True)
    master.merge(worker.take())
    assert (master.requests, master.within, master.failed) == (11, 9, 1)


def test_the_worst_verdict_is_the_runs_and_failing_is_worse_than_not_knowing() -> None:
    claims = judge(tally(fast=99, failed=1), DEFAULT)
    assert overall(claims) is Status.FAIL
    assert overall(judge(tally(fast=3), DEFAULT)) is Status.UNKNOWN
    assert overall(judge(tally(fast=99), DEFAULT)) is Status.PASS
    assert [int(one) for one in (Status.PASS, Status.FAIL, Status.UNKNOWN)] == [0, 1, 3]


def test_a_verdict_that_was_written_is_read_back_as_its_lines() -> None:
    claims = judge(tally(fast=99, failed=1), DEFAULT)
    assert read_lines(written(claims, 100)) == (
        "PASS    100.000% answered within 1000 ms, objective 95.000%",
        "FAIL    99.000% answered as they should be, objective 99.990%; 1 of 100 were not",
    )
    assert line_of(judge(tally(), DEFAULT)[0]).startswith("UNKNOWN ? answered within 1000 ms")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"within_ms": 0}, "--within-ms"),
        ({"within_ratio": 95}, "--within-ratio"),
        ({"success_ratio": 0}, "--success-ratio"),
        ({"success_ratio": float("nan")}, "--success-ratio"),
    ],
)
def test_an_objective_that_can_not_be_one_is_refused_by_name(
    wrong: dict[str, float], named: str
) -> None:
    with pytest.raises(ObjectivesError, match=named):
        Objectives(**wrong)
