"""What takes longest is let in first, nobody is overtaken, and room is given back at the end."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from scenarios.turns import Turns, Work

PATIENCE_SECONDS = 20.0


class Room:
    """A machine with so many places, which notes what was let in."""

    def __init__(self, places: float) -> None:
        self.free = places
        self.asked: list[float] = []
        self._changed = threading.Condition()

    @contextmanager
    def place(
        self, weight: float, say: Callable[[str, float], None], unseen_seconds: float
    ) -> Iterator[None]:
        say("waiting", unseen_seconds)
        with self._changed:
            self.asked.append(weight)
            assert self._changed.wait_for(lambda: self.free >= weight, PATIENCE_SECONDS)
            self.free -= weight
        try:
            yield
        finally:
            with self._changed:
                self.free += weight
                self._changed.notify_all()


def ended(work: list[Work]) -> bool:
    return all(one.ended.wait(PATIENCE_SECONDS) for one in work)


def test_what_takes_longest_begins_first() -> None:
    order: list[str] = []
    room = Room(1)
    work = [
        Work(run=lambda name=name: order.append(name), seconds=seconds, weight=1)  # type: ignore[misc]
        for name, seconds in (("short", 1), ("long", 60), ("middle", 9))
    ]
    Turns(work, room.place).start()
    assert ended(work)
    assert order == ["long", "middle", "short"]


def test_a_large_one_is_not_overtaken_by_small_ones() -> None:
    may_leave, room = threading.Event(), Room(2)
    first = Work(run=lambda: assert_(may_leave.wait(PATIENCE_SECONDS)), seconds=3, weight=1)
    large = Work(run=lambda: None, seconds=2, weight=2)
    small = Work(run=lambda: None, seconds=1, weight=1)
    Turns([small, large, first], room.place).start()
    while room.asked != [1, 2]:
        threading.Event().wait(0.001)
    assert not small.ended.wait(0.05)
    may_leave.set()
    assert ended([first, large, small])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_room_is_given_back_and_the_end_told_when_the_work_failed() -> None:
    room = Room(1)

    def fail() -> None:
        raise ValueError

    work = [
        Work(run=fail, seconds=2, weight=1),
        Work(run=lambda: None, seconds=1, weight=1),
    ]
    Turns(work, room.place).start()
    assert ended(work)


def test_nobody_begins_once_it_was_given_up() -> None:
    may_leave, room, begun = threading.Event(), Room(1), []
    first = Work(run=lambda: assert_(may_leave.wait(PATIENCE_SECONDS)), seconds=2, weight=1)
    second = Work(run=lambda: begun.append("second"), seconds=1, weight=1)
    turns = Turns([first, second], room.place)
    turns.start()
    while room.asked != [1, 1]:
        threading.Event().wait(0.001)
    turns.give_up()
    may_leave.set()
    assert first.ended.wait(PATIENCE_SECONDS)
    assert not second.ended.wait(0.1)
    assert begun == []


def assert_(condition: bool) -> None:
    assert condition
