"""A wait ends with the value, or with an error that says what was seen."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from stack.waiting import NotYet, WaitTimeout, wait_until


def test_returns_the_first_value_that_is_there() -> None:
    answers: Iterator[int | None] = iter([None, None, 7, 8])
    assert wait_until(lambda: next(answers), what="seven", timeout_seconds=5) == 7


@pytest.mark.parametrize("empty", [0, "", (), []], ids=repr)
def test_an_empty_value_is_a_value(empty: object) -> None:
    assert wait_until(lambda: empty, what="anything", timeout_seconds=5) == empty


@pytest.mark.parametrize("not_yet", [None, False], ids=repr)
def test_none_and_false_mean_not_yet(not_yet: bool | None) -> None:
    with pytest.raises(WaitTimeout, match=f"last observation: {not_yet}"):
        wait_until(lambda: not_yet, what="truth", timeout_seconds=0.05)


def test_the_error_names_the_target_the_elapsed_time_and_the_last_observation() -> None:
    def probe() -> None:
        raise NotYet("21 of 22 targets up")

    with pytest.raises(WaitTimeout) as late:
        wait_until(probe, what="every target to be up", timeout_seconds=0.05)
    assert late.value.elapsed_seconds >= 0.05
    assert str(late.value) == (
        f"waited {late.value.elapsed_seconds:.2f} s for every target to be up;"
        " last observation: 21 of 22 targets up"
    )


def test_an_expected_exception_is_the_last_observation() -> None:
    def probe() -> None:
        raise ConnectionRefusedError("nobody there")

    with pytest.raises(WaitTimeout, match="ConnectionRefusedError: nobody there"):
        wait_until(probe, what="a server", timeout_seconds=0.05, retry_on=(OSError,))


def test_an_unexpected_exception_ends_the_wait_at_once() -> None:
    calls = []

    def probe() -> None:
        calls.append(1)
        raise KeyError("defect")

    with pytest.raises(KeyError):
        wait_until(probe, what="a server", timeout_seconds=60, retry_on=(OSError,))
    assert len(calls) == 1


def test_the_probe_is_called_once_even_without_any_time() -> None:
    assert wait_until(lambda: "there", what="it", timeout_seconds=0) == "there"


def test_a_condition_that_came_true_during_the_last_pause_is_not_missed() -> None:
    comes_true = time.monotonic() + 0.1
    assert wait_until(
        lambda: time.monotonic() >= comes_true,
        what="the hour",
        timeout_seconds=0.11,
        interval_seconds=30,
    )


def test_a_wait_does_not_pause_beyond_its_deadline() -> None:
    started = time.monotonic()
    with pytest.raises(WaitTimeout):
        wait_until(lambda: None, what="never", timeout_seconds=0.05, interval_seconds=30)
    assert time.monotonic() - started < 10
