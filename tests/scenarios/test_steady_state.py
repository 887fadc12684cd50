"""A steady state is the wanted rate without an error; what is none says why."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from scenarios.load_sample import FaultedAnswers, LoadSample
from scenarios.steady_state import STEADY_SAMPLES, STEADY_SECONDS, is_steady, newest, served

NO_FAULT = FaultedAnswers(count=0, first_at=None, statuses={}, min_ms=None, max_ms=None, results={})


def samples(
    *statuses: Mapping[str, int], every_seconds: float = 0.25, missed: int = 0
) -> tuple[LoadSample, ...]:
    return tuple(
        LoadSample(
            target="one",
            at=100.0 + at * every_seconds,
            count=sum(each.values()),
            missed=missed,
            statuses=each,
            p50_ms=None,
            p95_ms=None,
            max_ms=None,
            faulted=NO_FAULT,
        )
        for at, each in enumerate(statuses)
    )


WELL = samples(*[{"200": 5, "302": 1}] * 5)


def test_answers_without_an_error_at_the_wanted_rate_are_steady() -> None:
    assert is_steady(WELL, 24)


@pytest.mark.parametrize("status", ["404", "500", "0"])
def test_a_single_error_is_not(status: str) -> None:
    assert not is_steady(samples(*[{"200": 6}] * 4, {"200": 5, status: 1}), 24)


@pytest.mark.parametrize("wanted", [12, 48])
def test_another_rate_is_not(wanted: float) -> None:
    assert not is_steady(WELL, wanted)


def test_a_rate_that_is_not_reached_is_not_also_where_one_request_is_wanted_in_a_second() -> None:
    rare = [{"200": 1}] * STEADY_SAMPLES
    assert is_steady(samples(*rare, every_seconds=1.0), 1)
    assert not is_steady(samples(*rare, every_seconds=3.5, missed=2), 1)
    assert not is_steady(samples(*[{}] * STEADY_SAMPLES, every_seconds=1.0, missed=1), 1)


def test_where_many_are_wanted_a_few_may_be_missed() -> None:
    assert is_steady(samples(*[{"200": 6}] * 5, missed=1), 24)
    assert not is_steady(samples(*[{"200": 6}] * 5, missed=2), 24)


def test_samples_of_no_time_are_not() -> None:
    assert not is_steady((), 24)
    assert not is_steady(WELL[:1], 24)
    assert not is_steady(samples({"200": 6}, {"200": 6}, every_seconds=0), 24)


def test_what_is_not_steady_says_which_answers_came_and_how_many() -> None:
    unsteady = samples({"200": 4}, {"200": 3, "404": 1}, {"404": 2})
    assert served(unsteady, 10) == "clients got 7 x 200, 3 x 404; 12.0 a second of 10"
    assert served(samples({"200": 1}, {"200": 1}, missed=1), 10).endswith(
        "4.0 a second of 10, and 2 could not be sent"
    )
    assert served(samples({}, {}), 10) == "clients got no answer; 0.0 a second of 10"
    assert served((), 10) == f"the load told 0 of {STEADY_SAMPLES} samples"


def test_a_steady_state_is_told_by_the_newest_second() -> None:
    told = samples(*[{"500": 6}] * 7, *[{"200": 6}] * 5)
    assert newest(told) == told[-5:]


def test_where_a_request_comes_in_a_second_it_takes_some_of_them() -> None:
    rare = samples(*[{"200": 1}] * STEADY_SAMPLES, every_seconds=1.0)
    assert newest(rare) == rare
    assert newest(rare[1:]) == ()


def test_samples_of_less_than_a_second_tell_no_steady_state() -> None:
    many = samples(*[{"200": 1}] * 8, every_seconds=STEADY_SECONDS / 8)
    assert newest(many) == ()
    assert newest(()) == ()
