"""Another drill begins when processors were idle, and nobody waits for ever."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

from scenarios.headroom import Headroom, busy_and_idle

BUSY = "cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 1 1 1\n"


def test_waiting_for_a_disk_and_what_yields_are_idle_and_guests_are_not_counted_twice() -> None:
    assert busy_and_idle("cpu  10 1 5 100 7 2 3 4 50 60\ncpu0 1\n") == (24, 108)


def machine(busy: int, idle: int) -> Headroom:
    """A machine that uses so many ticks between two looks."""
    looks = count()

    def read() -> str:
        number = next(looks)
        return BUSY.format(busy=number * busy, idle=number * idle)

    return Headroom(1, read)


def waited(headroom: Headroom, inside: ExitStack, *, needed: float = 0.1, few: int = 0) -> bool:
    begun = time.monotonic()
    inside.enter_context(headroom.room(needed, few=few, timeout_seconds=1.2, unseen_seconds=9))
    return time.monotonic() - begun > 1


@contextmanager
def sampled(busy: int, idle: int) -> Iterator[tuple[Headroom, ExitStack]]:
    with machine(busy, idle) as headroom, ExitStack() as inside:
        while headroom.idle_ratio == 1.0:
            pass
        yield headroom, inside


def test_an_idle_machine_lets_several_begin_at_once_until_what_they_will_take_fills_it() -> None:
    with sampled(busy=10, idle=90) as (headroom, inside):
        assert not waited(headroom, inside, needed=0.3)
        assert not waited(headroom, inside, needed=0.3)
        assert waited(headroom, inside, needed=0.3)


def test_a_busy_machine_makes_a_drill_wait_but_not_for_ever() -> None:
    with sampled(busy=95, idle=5) as (headroom, inside):
        assert waited(headroom, inside)


def test_a_few_need_not_wait_and_one_that_left_makes_room_for_another() -> None:
    with sampled(busy=95, idle=5) as (headroom, inside):
        with ExitStack() as first:
            assert not waited(headroom, first, few=1)
            assert waited(headroom, inside, few=1)
            inside.pop_all().close()
        assert not waited(headroom, inside, few=1)


def test_what_begins_with_the_run_counts_until_then() -> None:
    with sampled(busy=10, idle=90) as (headroom, inside):
        inside.enter_context(headroom.room(0.6, few=0, timeout_seconds=1.2, unseen_seconds=0.0))
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
