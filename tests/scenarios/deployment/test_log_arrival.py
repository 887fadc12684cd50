"""A record arrives within a bound that is computed, or it is told how it did not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scenarios.deployment.log_arrival import Arrival, bound_seconds, judge_arrival
from scenarios.deployment.seen import Missing, NotSeen
from scenarios.verdict import Status

FOUND = Arrival(
    request_id="gate-1-log",
    url="https://shop.io/",
    took_seconds=2.0,
    bound_seconds=7.25,
    watched_seconds=14.5,
)


def test_the_bound_is_made_of_gathering_refreshing_asking_and_the_allowance() -> None:
    assert bound_seconds(5.0, ["1s", "2s"]) == 5 + 2 + 0.25 + 1
    assert bound_seconds(0.0, []) == bound_seconds(0.0, [""]) == 0 + 1 + 0.25 + 1
    assert bound_seconds(0.0, ["500ms"]) == 0.5 + 0.25 + 1


@pytest.mark.parametrize("interval", ["-1", "soon", "s"])
def test_an_index_that_is_never_refreshed_has_no_bound(interval: str) -> None:
    with pytest.raises(NotSeen):
        bound_seconds(5.0, [interval])


def test_found_in_time_passes_and_late_fails() -> None:
    assert judge_arrival(FOUND).status is Status.PASS
    late = judge_arrival(replace(FOUND, took_seconds=9.0))
    assert (late.status, late.observed) == (Status.FAIL, "found after 9.0 s")


def test_never_found_fails_and_tells_the_newest_there_is() -> None:
    never = judge_arrival(replace(FOUND, took_seconds=None, newest_at="2026-11-29 14:00:00+00:00"))
    assert never.status is Status.FAIL
    assert "the newest record is of 2026-11-29 14:00:00" in never.observed
    assert "--request-id gate-1-log" in never.look
    assert "there is none" in judge_arrival(replace(FOUND, took_seconds=None)).observed


def test_a_deadline_before_the_bound_leaves_it_unknown() -> None:
    cut = replace(FOUND, took_seconds=None, watched_seconds=3.0)
    assert judge_arrival(cut).status is Status.UNKNOWN
    assert judge_arrival(Missing(why="refused")).status is Status.UNKNOWN
