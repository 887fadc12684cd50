"""A wait may be interrupted, once, by whoever began it; what is repaired on the way out may not."""

from __future__ import annotations

import threading

import pytest

from stack.waiting import SLICE_SECONDS, Interrupted, interruptible, slice_of, wait_until

LONG_SECONDS = 60.0


def never() -> None:
    return None


def test_a_wait_is_interrupted_however_long_its_interval_is() -> None:
    interrupt = threading.Event()
    threading.Timer(SLICE_SECONDS, interrupt.set).start()
    with interruptible(interrupt), pytest.raises(Interrupted):
        wait_until(
            never, what="nothing", timeout_seconds=LONG_SECONDS, interval_seconds=LONG_SECONDS
        )


def test_only_the_first_wait_is_interrupted() -> None:
    interrupt = threading.Event()
    interrupt.set()
    with interruptible(interrupt):
        with pytest.raises(Interrupted):
            slice_of(1.0)
        assert slice_of(1.0) == 1.0


def test_a_condition_that_is_there_needs_no_wait() -> None:
    interrupt = threading.Event()
    interrupt.set()
    with interruptible(interrupt):
        assert wait_until(lambda: "there", what="it", timeout_seconds=LONG_SECONDS) == "there"


def test_waits_of_other_threads_and_afterwards_go_on() -> None:
    interrupt = threading.Event()
    interrupt.set()
    found: list[float] = []
    with interruptible(interrupt):
        other = threading.Thread(target=lambda: found.append(slice_of(1.0)))
        other.start()
        other.join()
    assert found == [1.0]
    assert slice_of(1.0) == 1.0
