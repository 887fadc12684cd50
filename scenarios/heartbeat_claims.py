"""Judges of the heartbeat: pure functions from a finished history to a verdict.

One rule: a beat is what the heartbeat's receiver took, and nothing that Prometheus says of itself.
"""

from __future__ import annotations

from datetime import timedelta

from scenarios.budget import ALLOWANCE
from scenarios.evidence import injected, missing, unjudgeable, witness
from scenarios.expectation import Expectation
from scenarios.heartbeat import Heartbeat
from scenarios.history import Event, History, Kind
from scenarios.verdict import Status, Verdict, in_seconds
from stack.receivers import DEAD_MANS_SWITCH, WEBHOOK_HEARTBEAT

EARLY = timedelta(milliseconds=5)
"""The switch's clock and the receiver's are one, read a moment apart."""


def beats(history: History, want: Expectation) -> Verdict:
    """The heartbeat came before the fault, and the switch was content."""
    claim = f"{want.alert} is heard of while nothing is broken"
    expected = f"a beat at {WEBHOOK_HEARTBEAT} and no page before the fault"
    if reason := unjudgeable(history, want):
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)
    start = injected(history).at
    before = [one for one in _beats(history, want) if one.at < start]
    paged = [one for one in _paged(history, want, "firing") if one.at < start]
    if paged:
        observed = f"the switch paged {start - paged[0].at:.1f} s before the fault"
    else:
        observed = f"{len(before)} beats" if before else "no beat"
    good = bool(before) and not paged
    return Verdict(
        claim=claim,
        status=Status.PASS if good else Status.FAIL,
        expected=expected,
        observed=observed,
    )


def absence_noticed(history: History, want: Expectation) -> Verdict:
    """The switch paged once, and as soon as a beat was missed."""
    heart = _heart(want)
    claim = f"the absence of {want.alert} is noticed"
    expected = (
        f"no beat later than {in_seconds(heart.lasts + ALLOWANCE)} after the witness, and one page "
        f"{in_seconds(heart.missed)} after the last beat, at most {in_seconds(ALLOWANCE)} later"
    )
    if reason := unjudgeable(history, want):
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)
    bite = witness(history).at
    end = history.first(Kind.REPAIRING)
    until = end.at if end else history.events[-1].at
    while_broken = [one for one in _beats(history, want) if one.at < until]
    pages = [one for one in _paged(history, want, "firing") if one.at >= bite]
    if not while_broken or not pages:
        what = "the switch never paged" if while_broken else "no beat ever came"
        return Verdict(claim=claim, status=Status.FAIL, expected=expected, observed=what)
    last = while_broken[-1].at
    took = timedelta(seconds=pages[0].at - last)
    problems = []
    if last - bite > (heart.lasts + ALLOWANCE).total_seconds():
        problems.append(f"it still beat {last - bite:.1f} s after the witness")
    if took < heart.missed - EARLY:
        problems.append(f"too early: paged {in_seconds(took)} after the last beat")
    if took > heart.missed + ALLOWANCE:
        problems.append(f"late: paged {in_seconds(took)} after the last beat")
    if len(pages) > 1:
        problems.append(f"paged {len(pages)} times")
    seen = f"paged {in_seconds(took)} after the last beat"
    seen += f", {pages[0].at - bite:.1f} s after the witness"
    return Verdict(
        claim=claim,
        status=Status.FAIL if problems else Status.PASS,
        expected=expected,
        observed="; ".join(problems) or seen,
    )


def never_resolved(history: History, want: Expectation) -> Verdict:
    """The heartbeat went to its receiver alone, and no resolution was ever sent."""
    claim = f"no resolution of {want.alert} is ever sent"
    expected = f"at {WEBHOOK_HEARTBEAT} nothing but firing, and nothing anywhere else"
    if reason := missing(history, want):
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)
    told = [
        one
        for one in history.all(Kind.DELIVERED, want.alert)
        if one.detail["receiver"] != DEAD_MANS_SWITCH
    ]
    wrong = [
        f"{one.detail['receiver']} was told that it is {one.detail['status']}"
        for one in told
        if (one.detail["receiver"], one.detail["status"]) != (WEBHOOK_HEARTBEAT, "firing")
    ]
    if not told:
        status, observed = Status.UNKNOWN, "nothing was sent at all"
    else:
        status = Status.FAIL if wrong else Status.PASS
        observed = ", ".join(dict.fromkeys(wrong)) or f"{len(told)} beats, all firing"
    return Verdict(claim=claim, status=status, expected=expected, observed=observed)


def comes_back(history: History, want: Expectation) -> Verdict:
    """The heartbeat is back after the repair, and the switch says so."""
    limit = want.bounds.resolution_arrives
    claim = f"{want.alert} comes back"
    expected = f"a beat and the switch's all-clear within {in_seconds(limit)} of the repair"
    if reason := unjudgeable(history, want):
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)
    begun = history.first(Kind.REPAIRING)
    repaired = history.first(Kind.REPAIRED)
    if repaired is None or begun is None or not _paged(history, want, "firing"):
        observed = "it was never missed or never repaired, so nothing could come back"
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=observed)
    beat = next((one for one in _beats(history, want) if one.at >= begun.at), None)
    clear = next(iter(_paged(history, want, "resolved")), None)
    if beat is None or clear is None:
        observed = "no beat came" if beat is None else "the switch never said so"
        return Verdict(claim=claim, status=Status.FAIL, expected=expected, observed=observed)
    took = timedelta(seconds=max(0.0, max(beat.at, clear.at) - repaired.at))
    late = took > limit
    return Verdict(
        claim=claim,
        status=Status.FAIL if late else Status.PASS,
        expected=expected,
        observed=f"{'late: ' if late else ''}back {in_seconds(took)} after the repair",
    )


def _beats(history: History, want: Expectation) -> tuple[Event, ...]:
    return history.all(Kind.DELIVERED, want.alert, receiver=WEBHOOK_HEARTBEAT, accepted="true")


def _paged(history: History, want: Expectation, status: str) -> tuple[Event, ...]:
    return history.all(Kind.DELIVERED, want.alert, receiver=DEAD_MANS_SWITCH, status=status)


def _heart(want: Expectation) -> Heartbeat:
    if want.heartbeat is None:
        raise ValueError(f"{want.alert} is no heartbeat; give its Drill heartbeat=True")
    return want.heartbeat
