"""Another drill begins when processors were idle, and nobody waits for ever."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

import pytest

from scenarios.headroom import Headroom, _Promise, busy_and_idle
from stack.waiting import wait_until

BUSY = "cpu  1 1 1 1\ncpu0 {busy} 0 0 {idle} 0 0 0 0 0 0\n"


def test_waiting_for_a_disk_is_idle_what_yields_is_busy_and_guests_are_not_counted_twice() -> None:
    assert busy_and_idle("cpu  9 9\ncpu0 10 1 5 100 7 2 3 4 50 60\n", {0}) == (25, 107)


def test_only_the_processors_that_the_run_may_use_are_counted() -> None:
    stat = "cpu  9 9\ncpu0 100 0 0 0 0 0 0 0\ncpu1 0 0 0 100 0 0 0 0\ncpu10 0 0 0 7 0 0 0 0\n"
    assert busy_and_idle(stat, {0}) == (100, 0)
    assert busy_and_idle(stat, {0, 10}) == (100, 7)


def machine(busy: int, idle: int, *, few: int, most: int, yielded: int = 0) -> Headroom:
    """A machine that uses so many ticks between two looks, of which some are yielded."""
    looks = count()
    given = count()

    def read() -> str:
        number = next(looks)
        return BUSY.format(busy=number * busy, idle=number * idle)

    return Headroom(
        {0},
        read,
        yielded=lambda: next(given) * yielded,
        few_per_core=few,
        most_per_core=most,
    )


def waited(headroom: Headroom, inside: ExitStack, *, needed: float = 0.1) -> bool:
    begun = time.monotonic()
    inside.enter_context(headroom.room(needed, timeout_seconds=1.2, unseen_seconds=9))
    return time.monotonic() - begun > 1


@contextmanager
def sampled(
    busy: int, idle: int, *, few: int = 0, most: int = 100, yielded: int = 0
) -> Iterator[tuple[Headroom, ExitStack]]:
    with (
        machine(busy, idle, few=few, most=most, yielded=yielded) as headroom,
        ExitStack() as inside,
    ):
        wait_until(
            lambda: headroom.idle_ratio < 1.0, what="two looks at the machine", timeout_seconds=20
        )
        yield headroom, inside


def test_an_idle_machine_lets_several_begin_at_once_until_what_they_will_take_fills_it() -> None:
    with sampled(busy=10, idle=90) as (headroom, inside):
        assert not waited(headroom, inside, needed=0.3)
        assert not waited(headroom, inside, needed=0.3)
        assert waited(headroom, inside, needed=0.3)


def test_what_the_runs_own_yielding_processes_take_is_there_to_be_had() -> None:
    with sampled(busy=95, idle=5, yielded=50) as (headroom, inside):
        assert not waited(headroom, inside)
        assert headroom.starved == ()


def test_a_busy_machine_makes_a_drill_wait_but_not_for_ever() -> None:
    with sampled(busy=95, idle=5) as (headroom, inside):
        assert waited(headroom, inside)


def test_a_few_need_not_wait_and_one_that_left_makes_room_for_another() -> None:
    with sampled(busy=95, idle=5, few=1) as (headroom, inside):
        with ExitStack() as first:
            assert not waited(headroom, first)
            assert waited(headroom, inside)
            inside.pop_all().close()
        assert not waited(headroom, inside)


def test_more_than_the_most_are_never_inside_however_idle_the_machine_is() -> None:
    with sampled(busy=1, idle=99, most=2) as (headroom, inside):
        assert not waited(headroom, inside, needed=0.0)
        assert not waited(headroom, inside, needed=0.0)
        assert waited(headroom, inside, needed=0.0)


def test_what_begins_with_the_run_counts_until_then() -> None:
    with sampled(busy=10, idle=90) as (headroom, inside):
        inside.enter_context(headroom.room(0.6, timeout_seconds=1.2, unseen_seconds=0.0))
        assert waited(headroom, inside, needed=0.3)
        headroom.begin()
        assert not waited(headroom, inside, needed=0.01)


def test_a_second_without_idle_time_is_noted_with_its_moment_and_a_busy_one_is_not() -> None:
    begun = time.time()
    with sampled(busy=99, idle=1) as (headroom, _):
        while not headroom.starved:
            pass
        assert begun < headroom.starved[0] <= time.time()
    with sampled(busy=90, idle=10) as (headroom, inside):
        assert waited(headroom, inside)
        assert headroom.starved == ()


def test_what_was_let_in_counts_less_and_less_until_it_shows() -> None:
    promise = _Promise(at=100.0, cores=0.6, unseen_seconds=3.0)
    began = 0.0
    assert [round(promise.unseen_cores(now, began), 2) for now in (100, 101, 102, 103, 104)] == [
        0.6,
        0.4,
        0.2,
        0.0,
        0.0,
    ]
    assert promise.unseen_cores(200.0, began=float("inf")) == 0.6
    assert promise.unseen_cores(201.0, began=200.0) == pytest.approx(0.4)
