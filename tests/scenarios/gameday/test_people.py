"""A key that stops, a guard that never looks away, a screen that tells no more than it may."""

from __future__ import annotations

import io
import os
import pty
import termios
import threading
from types import SimpleNamespace

import pytest
from rich.console import Console

from scenarios.gameday.guard import Guard, StopButton
from scenarios.gameday.keys import stop_key
from scenarios.gameday.responder import Responder
from scenarios.gameday.response import Word
from scenarios.gameday.screen import GOING_ON, Screen
from scenarios.gameday.stop import Limits, Seen
from scenarios.history import Kind, Recorder
from scenarios.target import ClientView
from stack.clients.server import Server
from stack.waiting import wait_until

SOON_SECONDS = 20.0
NOWHERE = Server(url="http://127.0.0.1:9")
LIMITS = Limits(error_ratio=0.5, p95_seconds=None, burn_ratio=1.0)


@pytest.mark.parametrize("typed", [b"q", b"\n", b"xQ"])
def test_a_key_stops_and_the_terminal_is_left_as_it_was(typed) -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    reasons: list[str] = []
    with os.fdopen(theirs, "r") as keyboard, stop_key(reasons.append, keyboard):
        os.write(ours, typed)
        wait_until(lambda: bool(reasons), what="the key", timeout_seconds=SOON_SECONDS)
        descriptor = keyboard.fileno()
        assert termios.tcgetattr(descriptor) != before
    os.close(ours)
    assert reasons == ["somebody pressed a key"]


def test_a_pipe_is_nobody_who_watches() -> None:
    reasons: list[str] = []
    with stop_key(reasons.append, io.StringIO("q\n")):
        pass
    assert reasons == []


class Campaign:
    """What a guard looks at, written by hand."""

    def __init__(self, plan, folder) -> None:
        self.plans = {plan.drill.id: plan}
        self.targets = {plan.drill.id: SimpleNamespace(client=ClientView())}
        self.recorder = Recorder(plan.drill.id, folder / "drill.jsonl")
        self.control = Recorder("control", folder / "control.jsonl")
        self.drilled = {plan.drill.id: self.recorder, "control": self.control}
        self.stopped = threading.Event()
        self.why = ""

    def stop(self, reason: str) -> None:
        self.why = reason
        self.stopped.set()


@pytest.fixture
def campaign(slow, tmp_path) -> Campaign:
    return Campaign(slow, tmp_path)


def guarded(campaign, button, show=lambda seen: None):
    limits = dict.fromkeys(campaign.plans, LIMITS)
    return Guard(campaign, limits, button, budget_ratio=0.0001, show=show)


def test_a_person_stops_all_drills(campaign) -> None:
    button = StopButton()
    with guarded(campaign, button) as guard:
        button.press("a key")
        button.press("another reason, later")
        assert campaign.stopped.wait(SOON_SECONDS)
    assert guard.reason == campaign.why == "a key"


def test_a_limit_that_is_passed_stops_all_drills(campaign, sample) -> None:
    with guarded(campaign, StopButton()):
        campaign.targets["SlowResponseTime"].client.add(sample(100.0, 10, errors=6))
        assert campaign.stopped.wait(SOON_SECONDS)
    assert "60% of SlowResponseTime's answers are errors" in campaign.why


def test_an_alert_of_the_service_that_nobody_breaks_stops_all_drills(campaign) -> None:
    with guarded(campaign, StopButton()):
        campaign.control.note(Kind.FIRING, "HighErrorRate")
        assert campaign.stopped.wait(SOON_SECONDS)
    assert campaign.why == "HighErrorRate fired for control, which nobody breaks"


def test_within_the_limits_nothing_is_stopped(campaign, sample) -> None:
    looks: list[tuple[Seen, ...]] = []
    campaign.targets["SlowResponseTime"].client.add(sample(100.0, 10, errors=5))
    campaign.recorder.note(Kind.FIRING, "SlowResponseTime")
    with guarded(campaign, StopButton(), looks.append) as guard:
        wait_until(lambda: len(looks) > 2, what="three looks", timeout_seconds=SOON_SECONDS)
    assert not guard.reason
    assert looks[-1][0].firing == ("SlowResponseTime",)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_guard_that_can_not_look_stops_all_drills(campaign) -> None:
    campaign.targets = {}
    with guarded(campaign, StopButton()):
        assert campaign.stopped.wait(SOON_SECONDS)
    assert campaign.why.startswith("nobody watches any more: KeyError")


def responder(campaign, slow, said):
    button = StopButton()
    status = lambda: "all is well"  # noqa: E731
    return button, Responder(
        campaign, slow.drill, button, said.append, alertmanager=NOWHERE, status=status
    )


def test_a_responder_is_answered_and_what_they_say_is_kept(campaign, slow) -> None:
    said: list[str] = []
    button, one = responder(campaign, slow, said)
    for line in ("ack", "the errors are high", "a delay", "status", "runbook slowresponse", "?"):
        one.take(line)
    kept = [(entry.word, entry.right) for entry in one.said]
    assert kept == [(Word.ACKNOWLEDGE, False), (Word.GUESS, False), (Word.GUESS, True)]
    assert "all is well" in said
    assert any("SlowResponseTime.md" in line for line in said)
    assert not any("right" in line for line in said)  # the report tells, not the dialog
    assert not button.reason


def test_a_runbook_that_cannot_be_read_is_one_line_and_the_dialog_goes_on(
    campaign, slow, monkeypatch
) -> None:
    def unreadable(_name: str) -> str:
        raise ValueError("no section 'Diagnosis'")

    monkeypatch.setattr("scenarios.gameday.responder.first_steps", unreadable)
    said: list[str] = []
    button, one = responder(campaign, slow, said)
    one.take("runbook SlowResponseTime")
    one.take("stop")
    assert said[0] == "the runbook can't be read: no section 'Diagnosis'"
    assert button.reason


def test_a_mitigation_ends_the_fault_and_stop_ends_the_day(campaign, slow) -> None:
    button, one = responder(campaign, slow, [])
    one.take("mitigate rolled it back")
    (event,) = campaign.recorder.snapshot().all(Kind.MITIGATED)
    assert event.text == "rolled it back"
    one.take("stop")
    assert button.reason == "whoever responds asked for it"


def test_a_responder_is_shown_what_receivers_got(campaign, slow) -> None:
    said: list[str] = []
    _, one = responder(campaign, slow, said)
    with one:
        campaign.recorder.note(
            Kind.DELIVERED, "SlowResponseTime", receiver="slack #alerts", headline="[FIRING] it"
        )
        wait_until(lambda: bool(said), what="the page", timeout_seconds=SOON_SECONDS)
    assert said == ["     slack #alerts | [FIRING] it"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_responder_who_can_not_be_told_anything_ends_the_day(campaign, slow) -> None:
    button, one = responder(campaign, slow, [])
    with one:
        campaign.recorder.note(Kind.DELIVERED, "SlowResponseTime")  # by no receiver
        wait_until(lambda: bool(button.reason), what="the end", timeout_seconds=SOON_SECONDS)
    assert button.reason.startswith("whoever responds is told nothing any more: KeyError")


def screen(lines, *, hidden):
    return Screen(["shop"], lines.append, Console(file=io.StringIO()), live=False, hidden=hidden)


SEEN = Seen(
    drill="shop",
    answers=20,
    errors=1,
    rate_per_second=4.0,
    p95_ms=30.0,
    burnt_ratio=0.0,
    firing=("HighErrorRate",),
)


def test_without_a_terminal_phases_and_alerts_are_lines() -> None:
    lines: list[str] = []
    shown = screen(lines, hidden=False)
    report = shown.reporter("shop")
    report("steady state", 15.0)
    report("waiting to fire", 9.0)
    shown.show((SEEN,))
    shown.show((SEEN,))
    texts = [line.split("shop", 1)[1].strip() for line in lines]
    assert texts == [
        *("steady state (bound 15.0 s)", "waiting to fire (bound 9.0 s)", "firing: HighErrorRate"),
    ]


def test_to_a_responder_no_phase_tells_what_breaks() -> None:
    lines: list[str] = []
    report = screen(lines, hidden=True).reporter("shop")
    for phase in ("steady state", "waiting for HighErrorRate", "injecting", "waiting to fire"):
        report(phase, 9.0)
    report("repairing", 15.0)
    texts = [line.split("shop", 1)[1].strip() for line in lines]
    assert texts == ["steady state (bound 9.0 s)", GOING_ON, "repairing (bound 15.0 s)"]


def test_on_a_terminal_it_is_a_table_with_what_clients_see() -> None:
    out = io.StringIO()
    console = Console(file=out, width=160)
    shown = Screen(["shop"], lambda line: None, console, live=True, hidden=False)
    shown.reporter("shop")("waiting to fire", 9.0)
    shown.show((SEEN,))
    console.print(shown._table())
    assert "4.0/s, 5% errors, p95 30 ms" in out.getvalue()
    assert "HighErrorRate" in out.getvalue()
