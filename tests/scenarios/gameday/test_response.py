"""What a responder types, whether a guess is right, and how long everything took."""

from __future__ import annotations

import pytest

from scenarios.catalogue import drills
from scenarios.gameday.response import Said, Times, Word, accepted, is_right, read, times_of
from scenarios.history import Kind

CATALOGUE = {drill.id: drill for drill in drills()}


@pytest.mark.parametrize(
    ("line", "word", "text"),
    [
        ("ack\n", Word.ACKNOWLEDGE, ""),
        ("  ACK  ", Word.ACKNOWLEDGE, ""),
        ("runbook SlowResponseTime", Word.RUNBOOK, "SlowResponseTime"),
        ("mitigate rolled it back", Word.MITIGATE, "rolled it back"),
        ("fixed", Word.MITIGATE, ""),
        ("status", Word.STATUS, ""),
        ("stop", Word.STOP, ""),
        ("", Word.HELP, ""),
        ("?", Word.HELP, ""),
        ("the database is slow", Word.GUESS, "the database is slow"),
    ],
)
def test_a_line_is_a_command_or_a_guess(line, word, text) -> None:
    assert read(line) == (word, text)


@pytest.mark.parametrize(
    ("guess", "name", "right"),
    [
        ("I think it is SlowResponseTime", "SlowResponseTime", True),
        ("slow response time", "SlowResponseTime", True),
        ("a delay of some requests", "SlowResponseTime", True),
        ("the errors are high", "SlowResponseTime", False),
        ("somebody killed it", "SoftFactoryDown-killed", True),
        ("it is frozen", "SoftFactoryDown-killed", False),
        ("", "SlowResponseTime", False),
    ],
)
def test_a_guess_is_right_if_it_names_the_alert_the_fault_or_its_cause(guess, name, right) -> None:
    assert is_right(guess, CATALOGUE[name]) is right


def test_what_is_accepted_can_be_listed() -> None:
    assert accepted(CATALOGUE["SoftFactoryDown-killed"]) == ("SoftFactoryDown", "Kill", "killed")
    for drill in CATALOGUE.values():
        assert all(is_right(one, drill) for one in accepted(drill))


def said(at, word, right=False):
    return Said(at=at, drill="incident-1", word=word, right=right)


def test_times_are_counted_from_the_witness(went, told) -> None:
    history = went((100.0, Kind.WITNESSED), told(112.0, "x"), (140.0, Kind.REPAIRING))
    answers = [
        said(90.0, Word.ACKNOWLEDGE),  # of what was not broken yet
        said(115.0, Word.ACKNOWLEDGE),
        said(118.0, Word.GUESS),
        said(125.0, Word.GUESS, right=True),
        said(139.0, Word.MITIGATE),
    ]
    assert times_of(history, "SlowResponseTime", answers) == Times(
        notified=12.0, detected=12.0, acknowledged=15.0, diagnosed=25.0, mitigated=39.0
    )


def test_a_responder_may_detect_before_the_alert_does(went, told) -> None:
    history = went((100.0, Kind.WITNESSED), told(112.0, "x"))
    times = times_of(history, "SlowResponseTime", [said(104.0, Word.GUESS)])
    assert (times.notified, times.detected) == (12.0, 4.0)


def test_what_never_happened_took_no_time_at_all(went) -> None:
    times = times_of(went((100.0, Kind.WITNESSED)), "SlowResponseTime", [])
    assert times == Times(
        notified=None, detected=None, acknowledged=None, diagnosed=None, mitigated=None
    )


def test_an_alert_that_ended_before_the_repair_was_mitigated(went) -> None:
    history = went(
        (100.0, Kind.WITNESSED),
        (110.0, Kind.FIRING, "SlowResponseTime"),
        (130.0, Kind.INACTIVE, "SlowResponseTime"),
        (160.0, Kind.REPAIRING),
    )
    assert times_of(history, "SlowResponseTime", []).mitigated == 30.0


def test_an_alert_that_ended_through_the_repair_was_mitigated_by_nobody(went) -> None:
    history = went(
        (100.0, Kind.WITNESSED),
        (110.0, Kind.FIRING, "SlowResponseTime"),
        (120.0, Kind.REPAIRING),
        (130.0, Kind.INACTIVE, "SlowResponseTime"),
    )
    assert times_of(history, "SlowResponseTime", []).mitigated is None


def test_without_a_fault_there_is_nothing_to_time(went) -> None:
    assert times_of(went(), "SlowResponseTime", []) is None
