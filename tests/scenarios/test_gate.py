"""What takes longest is let in first, nobody is overtaken, and room is given back at the end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from scenarios.gate import LARGE, Gate, Work
from scenarios.saying import SayPhase
from stack.waiting import wait_until

PATIENCE_SECONDS = 20.0


class Room:
    """A machine with so many places, which notes what was let in."""

    def __init__(self, places: float) -> None:
        self.free = places
        self.asked: list[float] = []
        self._changed = threading.Condition()

    @contextmanager
    def room(self, weight: float, say: SayPhase, unseen_seconds: float) -> Iterator[None]:
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
    """Wait for the work, and for the gate, whose last word is heard by the test that made it."""
    told = all(one.ended.wait(PATIENCE_SECONDS) for one in work)
    for thread in threading.enumerate():
        if thread.name == "gate":
            thread.join(PATIENCE_SECONDS)
    return told


def test_what_takes_longest_begins_first() -> None:
    order: list[str] = []
    room = Room(1)
    work = [
        Work(run=partial(order.append, name), seconds=seconds, weight=1)
        for name, seconds in (("short", 1), ("long", 60), ("middle", 9))
    ]
    Gate(work, room.room).open()
    assert ended(work)
    assert order == ["long", "middle", "short"]


def test_what_takes_much_room_begins_before_what_takes_as_long() -> None:
    order: list[str] = []
    room = Room(100)
    work = [
        Work(run=partial(order.append, name), seconds=20, weight=weight)
        for name, weight in (("small", 1), ("large", 3 * LARGE), ("ordinary", LARGE / 2))
    ]
    Gate(work, room.room).open()
    assert ended(work)
    assert room.asked[0] == 3 * LARGE


def test_a_large_one_is_not_overtaken_by_small_ones() -> None:
    may_leave, room = threading.Event(), Room(2)
    first = Work(run=lambda: assert_(may_leave.wait(PATIENCE_SECONDS)), seconds=3, weight=1)
    large = Work(run=lambda: None, seconds=2, weight=2)
    small = Work(run=lambda: None, seconds=1, weight=1)
    Gate([small, large, first], room.room).open()
    wait_until(lambda: len(room.asked) == 2, what="two to ask", timeout_seconds=PATIENCE_SECONDS)
    assert room.asked == [1, 2]
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
    Gate(work, room.room).open()
    assert ended(work)
    for thread in threading.enumerate():  # so that it has told what it raised
        if thread is not threading.current_thread():
            thread.join(PATIENCE_SECONDS)


def test_nobody_begins_once_it_was_given_up() -> None:
    may_leave, room, begun = threading.Event(), Room(1), []
    first = Work(run=lambda: assert_(may_leave.wait(PATIENCE_SECONDS)), seconds=2, weight=1)
    second = Work(run=lambda: begun.append("second"), seconds=1, weight=1)
    gate = Gate([first, second], room.room)
    gate.open()
    wait_until(lambda: room.asked == [1, 1], what="two to ask", timeout_seconds=PATIENCE_SECONDS)
    gate.close()
    may_leave.set()
    assert ended([first, second])
    assert begun == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_ever_when_the_gate_itself_fails() -> None:
    room, begun = Room(1), []

    def fail(_phase: str, _limit_seconds: float) -> None:
        raise OSError("nobody to tell")

    work = [
        Work(run=lambda: begun.append("first"), seconds=3, weight=1),
        Work(run=lambda: begun.append("second"), seconds=2, weight=1, say=fail),
        Work(run=lambda: begun.append("third"), seconds=1, weight=1),
    ]
    Gate(work, room.room).open()
    assert ended(work)
    assert begun == ["first"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_room_is_given_back_when_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    room, start = Room(1), threading.Thread.start

    def start_only_the_gate(thread: threading.Thread) -> None:
        if thread.name != "gate":
            raise RuntimeError("can't start new thread")
        start(thread)

    work = [Work(run=lambda: None, seconds=1, weight=1)]
    monkeypatch.setattr(threading.Thread, "start", start_only_the_gate)
    Gate(work, room.room).open()
    assert ended(work)
    assert room.free == 1


def assert_(condition: bool) -> None:
    assert condition
