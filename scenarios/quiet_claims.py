"""Judges of silence: that nothing fires which no scenario declares, and twins stay quiet.

One rule: pure functions of finished histories; silence that nobody watched is UNKNOWN, never PASS.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from scenarios.evidence import at_or_end, missing, unjudgeable, while_, witness
from scenarios.expectation import Expectation
from scenarios.history import History, Kind
from scenarios.model import WATCHDOG
from scenarios.verdict import Status, Verdict, in_seconds

STARVED = frozenset({"ScrapeSlow", "RuleEvaluationSlow"})
"""What these say of a target that nobody drills is true of this run's own machine: it is so busy
that scrapes or evaluations take most of their time, and nothing else that fires can be trusted."""


def quiet(history: History, want: Expectation, control: History) -> Verdict:
    """Nothing fired that the scenario doesn't declare, neither here nor for the control."""
    claim = f"{want.service}: nothing else fires"
    allowed = ", ".join(sorted(want.declared)) or "no alert at all"
    beside = f"only {', '.join(sorted(want.beside))}" if want.beside else "nothing"
    expected = f"only {allowed}; {beside} for {control.service}"
    if reason := missing(history, want):
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)
    strangers = [
        (event.alert, f"{event.alert} for {one.service} ({event.kind})")
        for one, declared in (
            (history, want.declared),
            (while_(control, history), want.beside),
        )
        for event in (*one.all(Kind.FIRING), *one.all(Kind.DELIVERED))
        if event.alert not in declared
    ]
    because = ""
    if strangers:
        because = "the scenario does not declare it in may_fire or hushes"
    if starved := {alert for alert, _ in strangers} & STARVED:
        because = f"{', '.join(sorted(starved))} of an undrilled target: the machine was too busy"
    return Verdict(
        claim=claim,
        status=judged_strangers(alert for alert, _ in strangers),
        expected=expected,
        observed=", ".join(dict.fromkeys(text for _, text in strangers)) or "nothing else",
        because=because,
        look="run it again on a less busy machine" if starved else "",
    )


def judged_strangers(alerts: Iterable[str]) -> Status:
    """Return what undeclared alerts mean: PASS for none, UNKNOWN where the machine was starved."""
    found = set(alerts)
    if not found:
        return Status.PASS
    return Status.UNKNOWN if found & STARVED else Status.FAIL


def watchers_quiet(watcher: History) -> Verdict:
    """Nothing fired about a watcher that no drill is about, but what always does."""
    claim = f"{watcher.service}: nothing fires about it"
    if disturbed := watcher.first(Kind.DISTURBED):
        return Verdict(
            claim=claim,
            status=Status.UNKNOWN,
            expected=f"{WATCHDOG} at most",
            observed=f"the experiment was disturbed: {disturbed.text}",
        )
    strangers = sorted({event.alert for event in watcher.all(Kind.FIRING)} - {WATCHDOG})
    return Verdict(
        claim=claim,
        status=judged_strangers(strangers),
        expected=f"{WATCHDOG} at most",
        observed=", ".join(strangers) or "nothing else",
        look="the alerts' runbooks, for the stack of this run" if strangers else "",
    )


def stayed_quiet(history: History, want: Expectation) -> Verdict:
    """A twin's alert did not fire for as long as it could have taken."""
    watch = want.bounds.watch
    claim = f"{want.service}: {want.alert} stays quiet"
    expected = f"no firing and no notification within {in_seconds(watch)} of the witness"
    if reason := unjudgeable(history, want):
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)
    noise = [*history.all(Kind.FIRING, want.alert), *history.all(Kind.DELIVERED, want.alert)]
    watched = timedelta(
        seconds=at_or_end(history.first(Kind.REPAIRING), history) - witness(history).at
    )
    if noise:
        status, observed = Status.FAIL, f"it was {noise[0].kind} {noise[0].text}".rstrip()
    elif watched < watch:
        status, observed = Status.UNKNOWN, f"it was watched for {in_seconds(watched)} only"
    else:
        status, observed = Status.PASS, f"quiet for {in_seconds(watched)}"
    return Verdict(claim=claim, status=status, expected=expected, observed=observed)
