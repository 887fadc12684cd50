"""Another drill begins when processors were idle, and nobody waits for ever."""

import time
from itertools import count

from scenarios.headroom import Headroom, busy_and_idle

BUSY = "cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 1 1 1\n"


def test_waiting_for_a_disk_is_idle_and_guests_are_not_counted_twice() -> None:
    assert busy_and_idle("cpu  10 1 5 100 7 2 3 4 50 60\ncpu0 1\n") == (25, 107)


def machine(busy: int, idle: int) -> Headroom:
    """A machine that uses so many ticks between two looks."""
    looks = count()

    def read() -> str:
        number = next(looks)
        return BUSY.format(busy=number * busy, idle=number * idle)

    return Headroom(1, read)


def waited(headroom: Headroom, *, needed: float = 0.1, few: bool = False) -> bool:
    begun = time.monotonic()
    headroom.wait(needed, few=few, timeout_seconds=1.2)
    return time.monotonic() - begun > 1


def test_an_idle_machine_lets_several_begin_at_once_until_what_they_will_take_fills_it() -> None:
    with machine(busy=10, idle=90) as headroom:
        while headroom.idle_ratio == 1.0:  # not sampled yet
            pass
        assert not waited(headroom, needed=0.3)
        assert not waited(headroom, needed=0.3)
        assert waited(headroom, needed=0.3)


def test_a_busy_machine_makes_a_drill_wait_but_not_for_ever_and_not_one_of_a_few() -> None:
    with machine(busy=95, idle=5) as headroom:
        while headroom.idle_ratio == 1.0:  # not sampled yet
            pass
        assert waited(headroom)
        assert not waited(headroom, few=True)
