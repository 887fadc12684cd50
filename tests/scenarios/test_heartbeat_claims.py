"""The judges of the heartbeat, on histories written by hand: one that passes, and what fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from scenarios.budget import Bounds
from scenarios.expectation import Expectation
from scenarios.heartbeat import Heartbeat
from scenarios.heartbeat_claims import absence_noticed, beats, comes_back, never_resolved
from scenarios.history import Event, History, Kind
from scenarios.verdict import Status, Verdict
from stack.receivers import DEAD_MANS_SWITCH, WEBHOOK_HEARTBEAT

ALERT = "Watchdog"
Claim = Callable[[History, Expectation], Verdict]


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


WANT = Expectation(
    alert=ALERT,
    service="monitoring",
    severity="NONE",
    receivers=frozenset({DEAD_MANS_SWITCH}),
    runbook_url="",
    panel="",
    summary="",
    route="",
    downtime=True,
    declared=frozenset({ALERT}),
    scrape=s(0.25),
    bounds=Bounds(
        pending=s(0),
        earliest=s(0),
        minimum=s(0),
        fires=s(12),
        arrives=s(12),
        resolves=s(8),
        resolution_arrives=s(8),
        watch=s(12),
        crossing=s(0),
        group_wait=s(0),
    ),
    heartbeat=Heartbeat(period=s(5), grace=s(2), lasts=s(4)),
)


def told(at: float, receiver: str = WEBHOOK_HEARTBEAT, status: str = "firing") -> Event:
    detail = {"receiver": receiver, "status": status, "accepted": "true"}
    return Event(at=at, kind=Kind.DELIVERED, alert=ALERT, detail=detail)


def page(at: float, status: str = "firing") -> Event:
    return told(at, DEAD_MANS_SWITCH, status)


def event(at: float, kind: Kind) -> Event:
    return Event(at=at, kind=kind)


GOOD = (
    told(5.0),
    event(9.0, Kind.INJECTED),
    event(9.1, Kind.WITNESSED),
    told(10.0),
    page(17.0),
    event(17.1, Kind.REPAIRING),
    event(17.5, Kind.REPAIRED),
    told(20.0),
    page(20.1, "resolved"),
    event(21.0, Kind.ENDED),
)
CLAIMS: tuple[Claim, ...] = (beats, absence_noticed, never_resolved, comes_back)


def history(*extra: Event, without: tuple[Event, ...] = ()) -> History:
    return History.of("monitoring", [*(one for one in GOOD if one not in without), *extra])


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_passes_on_a_heart_that_stops_and_is_back(claim: Claim) -> None:
    verdict = claim(history(), WANT)
    assert verdict.status is Status.PASS, verdict


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_an_empty_history_is_unknown(claim: Claim) -> None:
    assert claim(History.of("monitoring", []), WANT).status is Status.UNKNOWN


BAD: list[tuple[Claim, History, str]] = [
    (beats, history(without=(GOOD[0],)), "no beat"),
    (beats, history(page(8.0)), "paged 1.0 s before"),
    (absence_noticed, history(without=(GOOD[4],)), "never paged"),
    (absence_noticed, history(without=(GOOD[0], GOOD[3])), "no beat ever came"),
    (absence_noticed, history(page(15.0)), "too early: paged 5.0 s"),
    (absence_noticed, history(page(16.999)), "paged 2 times"),
    (absence_noticed, history(page(19.0), without=GOOD[4:8]), "late: paged 9.0 s"),
    (absence_noticed, history(told(16.0)), "still beat 6.9 s after"),
    (never_resolved, history(told(11.0, status="resolved")), "is resolved"),
    (never_resolved, history(told(11.0, "slack #alerts")), "slack #alerts was told"),
    (comes_back, history(without=(GOOD[7],)), "no beat came"),
    (comes_back, history(without=(GOOD[8],)), "never said so"),
    (comes_back, history(page(27.0, "resolved"), without=(GOOD[8],)), "late: back 9.5 s"),
]


@pytest.mark.parametrize(("claim", "bad", "said"), BAD)
def test_fails_and_says_why(claim: Claim, bad: History, said: str) -> None:
    verdict = claim(bad, WANT)
    assert verdict.status is Status.FAIL, verdict
    assert said in verdict.observed


def test_what_was_never_missed_can_not_come_back() -> None:
    assert comes_back(history(without=(GOOD[4],)), WANT).status is Status.UNKNOWN


def test_an_alert_that_is_no_heartbeat_is_refused() -> None:
    with pytest.raises(ValueError, match="heartbeat=True"):
        absence_noticed(history(), replace(WANT, heartbeat=None))
