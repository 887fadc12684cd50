"""Judges of inhibition: what the drilled alert hushes stays untold, and is told once it ends.

One rule: pure functions of a finished history; what was never seen to be hushed proves nothing.
"""

from __future__ import annotations

from dataclasses import replace

from scenarios.claims import told_exactly
from scenarios.evidence import injected, unjudgeable
from scenarios.expectation import Expectation
from scenarios.history import Event, History, Kind
from scenarios.verdict import Status, Verdict


def hushed(history: History, want: Expectation, subordinate: str) -> Verdict:
    """A subordinate alert fired, and was inhibited by the drilled one and by nothing else."""
    claim = f"{want.alert} inhibits {subordinate}"
    expected = f"{subordinate} fires, and Alertmanager names {want.alert} as what inhibits it"
    if reason := unjudgeable(history, want):
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)
    firing = history.first(Kind.FIRING, subordinate)
    silenced = history.first(Kind.SUPPRESSED, subordinate)
    if firing is None:
        return Verdict(
            claim=claim,
            status=Status.UNKNOWN,
            expected=expected,
            observed=f"{subordinate} never fired, so there was nothing to inhibit",
        )
    if silenced is None or silenced.detail.get("by") != want.alert:
        by = silenced.detail.get("by", "") if silenced else ""
        return Verdict(
            claim=claim,
            status=Status.FAIL,
            expected=expected,
            observed=f"inhibited by {by}" if by else "never inhibited",
            look="the inhibit_rules of alertmanager-config.yml",
        )
    until = _hushed_until(history, want, subordinate, silenced)
    told_before = firing.at < injected(history).at  # a precondition, whose delivery was awaited
    leaked = [
        event
        for event in history.all(Kind.DELIVERED, subordinate, status="firing")
        if event.at < until and (not told_before or silenced.at < event.at)
    ]
    return Verdict(
        claim=claim,
        status=Status.FAIL if leaked else Status.PASS,
        expected=expected,
        observed=f"it notified {leaked[0].detail['receiver']} all the same"
        if leaked
        else f"inhibited for {until - silenced.at:.1f} s by {silenced.detail['by']}",
    )


def uncovered(history: History, want: Expectation, other: Expectation) -> tuple[Verdict, Verdict]:
    """A hushed alert was told once nothing hushed it any more, and so was its resolution."""
    claim = f"{other.alert} is told once {want.alert} is over"
    told = told_exactly(history, other, "firing", claim)
    silenced = history.first(Kind.SUPPRESSED, other.alert)
    first = history.first(Kind.DELIVERED, other.alert, status="firing")
    if told.status is Status.PASS and (silenced is None or first is None):
        told = replace(told, status=Status.UNKNOWN, observed="it was never seen to be hushed")
    elif (
        told.status is not Status.UNKNOWN
        and silenced
        and first
        and first.at < _hushed_until(history, want, other.alert, silenced)
    ):
        told = replace(told, status=Status.FAIL, observed=f"it was told while {want.alert} fired")
    over = told_exactly(history, other, "resolved", f"{other.alert} is told to be over as well")
    return told, over


def _hushed_until(history: History, want: Expectation, alert: str, silenced: Event) -> float:
    """Return when an alert was hushed no more: once the one that hushed it was over.

    Alertmanager is looked at every so often, and may have told meanwhile what it hushed; when the
    other alert ended is known to the evaluation, and before that from its being told.
    """
    ends = (
        history.first(Kind.DELIVERED, want.alert, after=silenced.at, status="resolved"),
        history.first(Kind.UNSUPPRESSED, alert, after=silenced.at),
        history.first(Kind.INACTIVE, want.alert, after=silenced.at),
    )
    return min((event.at for event in ends if event), default=history.events[-1].at)
