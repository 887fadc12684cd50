"""The claims of a game day beside the checklist's, each with a history that fails it."""

from __future__ import annotations

import pytest

from scenarios.gameday.judgement import (
    Impact,
    gone_in_time,
    impact_of,
    judged,
    marked,
    within_share,
)
from scenarios.gameday.stop import STOP_SECONDS
from scenarios.history import Kind
from scenarios.verdict import Status

RUN = "gd-1"
MARKED = "[FIRING] DRILL gd-1: HIGH SlowResponseTime on shop: slow | since 14:03 UTC"
BARE = "[FIRING] HIGH SlowResponseTime on shop: slow | since 14:03 UTC"


def impact(faulted: int, answers: int = 700, last: float | None = None) -> Impact:
    return Impact(answers=answers, faulted=faulted, errors=0, last_faulted_at=last)


def test_the_impact_is_counted_while_the_fault_lasts(sample, went) -> None:
    history = went((10.0, Kind.INJECTED), (20.0, Kind.REPAIRED))
    samples = [
        sample(9.0, 50),
        sample(11.0, 10, faulted=2),
        sample(19.0, 10, errors=1),
        sample(20.5, 4, faulted=1),  # was in flight
        sample(30.0, 50),
    ]
    assert impact_of(samples, history) == Impact(
        answers=24, faulted=3, errors=1, last_faulted_at=20.5
    )


@pytest.mark.parametrize(
    ("faulted", "status"), [(100, Status.PASS), (104, Status.PASS), (110, Status.FAIL)]
)
def test_no_more_may_be_hit_than_was_announced(slow, went, faulted, status) -> None:
    history = went((1.0, Kind.WITNESSED))
    assert within_share(slow, history, impact(faulted)).status is status  # announced: 1 in 7


def test_of_a_fault_that_hit_nobody_nothing_is_known(slow, went) -> None:
    assert within_share(slow, went((1.0, Kind.WITNESSED)), impact(0)).status is Status.UNKNOWN


def test_everybody_who_is_told_must_read_that_it_is_a_drill(went, told) -> None:
    good = went(told(1.0, MARKED), told(2.0, MARKED))
    assert marked(good, "SlowResponseTime", RUN).status is Status.PASS
    bad = marked(went(told(1.0, MARKED), told(2.0, BARE)), "SlowResponseTime", RUN)
    assert bad.status is Status.FAIL
    assert BARE in bad.observed
    assert marked(good, "SlowResponseTime", "gd-2").status is Status.FAIL
    assert marked(went(), "SlowResponseTime", RUN).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("took", "status"), [(STOP_SECONDS - 0.1, Status.PASS), (STOP_SECONDS + 0.1, Status.FAIL)]
)
def test_a_stopped_fault_must_be_gone_within_a_second(went, took, status) -> None:
    history = went((1.0, Kind.INJECTED), (5.0, Kind.STOPPED), (5.0 + took, Kind.REPAIRED))
    assert gone_in_time(history, impact(3)).status is status


def test_a_stopped_fault_that_was_never_repaired_fails(went) -> None:
    assert (
        gone_in_time(went((1.0, Kind.INJECTED), (5.0, Kind.STOPPED)), impact(3)).status
        is Status.FAIL
    )


def test_a_stop_before_or_after_the_fault_has_nothing_to_end(went) -> None:
    for history in (
        went((5.0, Kind.STOPPED)),
        went((1.0, Kind.INJECTED), (4.0, Kind.REPAIRED), (5.0, Kind.STOPPED)),
    ):
        assert gone_in_time(history, impact(0)).status is Status.PASS


def test_the_last_answer_in_flight_is_told_beside(went) -> None:
    history = went((1.0, Kind.INJECTED), (5.0, Kind.STOPPED), (5.1, Kind.REPAIRED))
    assert "0.20 s after the stop" in gone_in_time(history, impact(3, last=5.2)).observed


def test_an_answer_that_carried_the_fault_long_after_the_stop_fails(went) -> None:
    history = went((1.0, Kind.INJECTED), (5.0, Kind.STOPPED), (5.1, Kind.REPAIRED))
    just, late = 5.0 + STOP_SECONDS + 0.2, 5.0 + STOP_SECONDS + 0.3  # a sample is 0.25 s long
    assert gone_in_time(history, impact(3, last=just)).status is Status.PASS
    assert gone_in_time(history, impact(3, last=late)).status is Status.FAIL


def test_a_drill_that_was_stopped_proves_none_of_the_checklist_s_claims(slow, went) -> None:
    history = went(
        *((1.0, Kind.INJECTED), (2.0, Kind.WITNESSED), (5.0, Kind.STOPPED)),
        *((5.1, Kind.REPAIRED), (5.2, Kind.ENDED)),
    )
    verdicts = judged(slow, history, went(), impact(3), run=RUN)
    by_claim = {one.claim: one for one in verdicts}
    fired = by_claim["SlowResponseTime fires"]
    assert (fired.status, fired.observed) == (Status.UNKNOWN, "the drill was stopped: why")
    assert by_claim["SlowResponseTime: the fault is gone once it is stopped"].status is Status.PASS


def test_every_kind_of_drill_has_claims(plans, went) -> None:
    for plan in plans.values():
        verdicts = judged(plan, went(), went(), impact(0), run=RUN)
        assert {one.status for one in verdicts} == {Status.UNKNOWN}
        assert len(verdicts) >= 3
