"""The probe's answer turns to "down" in time, whether the check fails, is late, or never ends."""

import contextlib
import threading

import pytest

from instrumentation.demo.probe import DatabaseProbe, DatabaseProbeFailed

EVERY_SECONDS = 5.0
TIMEOUT_SECONDS = 3.0


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def probe_of(check, clock):
    return DatabaseProbe(
        check, every_seconds=EVERY_SECONDS, timeout_seconds=TIMEOUT_SECONDS, clock=clock
    )


def test_before_the_first_probe_nothing_is_known_and_that_is_down(clock):
    assert not probe_of(lambda: None, clock).up


def test_a_good_probe_is_up_until_a_next_one_would_have_had_its_time(clock):
    probe = probe_of(lambda: None, clock)
    probe.run()
    assert probe.up
    clock.now += EVERY_SECONDS + TIMEOUT_SECONDS
    assert probe.up
    clock.now += 0.001
    assert not probe.up
    assert "hangs" in probe.problem


def test_what_was_seen_before_anybody_asked_does_not_age_until_then(clock):
    probe = probe_of(lambda: None, clock)
    probe.run()
    clock.now += 3600
    assert probe.up
    clock.now += EVERY_SECONDS + TIMEOUT_SECONDS + 0.001
    assert not probe.up


def test_a_check_that_fails_is_down_at_once_and_says_why(clock):
    def check():
        raise OSError("disk full\nand more")

    probe = probe_of(check, clock)
    with pytest.raises(DatabaseProbeFailed, match="disk full"):
        probe.run()
    assert not probe.up
    assert probe.problem == "OSError: disk full"


def test_a_check_that_is_late_has_failed(clock):
    def check():
        clock.now += TIMEOUT_SECONDS + 0.1

    probe = probe_of(check, clock)
    with pytest.raises(DatabaseProbeFailed, match="took"):
        probe.run()
    assert not probe.up


def test_a_good_probe_after_a_bad_one_is_up_again(clock):
    outcomes = [OSError("gone"), None]

    def check():
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    probe = probe_of(check, clock)
    with pytest.raises(DatabaseProbeFailed):
        probe.run()
    probe.run()
    assert probe.up


def test_a_probe_that_hangs_is_down_once_its_deadline_is_over(clock):
    begun, end = threading.Event(), threading.Event()
    hang = False

    def check():
        if hang:
            begun.set()
            end.wait(30)

    def run_to_its_late_end():
        with contextlib.suppress(DatabaseProbeFailed):
            probe.run()

    probe = probe_of(check, clock)
    probe.run()
    assert probe.up
    clock.now += EVERY_SECONDS
    hang = True
    thread = threading.Thread(target=run_to_its_late_end)
    thread.start()
    assert begun.wait(10)
    try:
        clock.now += TIMEOUT_SECONDS
        assert probe.up
        clock.now += 0.001
        assert not probe.up
    finally:
        end.set()
        thread.join(10)
