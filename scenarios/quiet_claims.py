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

UNREACHED_AT_TIMES = frozenset({"AvailabilityBudgetBurnFast", "AvailabilityBudgetBurnSlow"})
"""What these say of a target that nobody takes down is true of its scrapes: at the scale of budgets
an hour holds 48 of them (one in 250 ms for 12 s), and to lose one is to lose more than may be."""


def raised_by_lost_scrapes(history: History, *, downtime: bool = False) -> frozenset[str]:
    """Return the alerts that in this whole history tell of scrapes which the machine has lost.

    Each time that one fired a scrape had failed before; one that was not made at all leaves the
    last answer in force. ``downtime`` tells that the target is taken down on purpose, which fails
    scrapes as well.
    """
    failed = [one.at for one in history.all(Kind.SCRAPE_FAILED) if not one.text]
    if downtime or not failed:
        return frozenset()
    return frozenset(
        alert
        for alert in UNREACHED_AT_TIMES
        if all(firing.at > min(failed) for firing in history.all(Kind.FIRING, alert))
    )


def quiet(history: History, want: Expectation, control: History) -> Verdict:
    """Nothing fired that the scenario doesn't declare, neither here nor for the control."""
    claim = f"{want.service}: nothing else fires"
    allowed = ", ".join(sorted(want.declared)) or "no alert at all"
    beside = f"only {', '.join(sorted(want.beside))}" if want.beside else "nothing"
    expected = f"only {allowed}; {beside} for {control.service}"
    if reason := missing(history, want):
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)
    found = [
        (event.alert, f"{event.alert} for {one.service} ({event.kind})", event.alert in of_lost)
        for one, declared, of_lost in (
            (history, want.declared, raised_by_lost_scrapes(history, downtime=want.downtime)),
            (while_(control, history), want.beside, raised_by_lost_scrapes(control)),
        )
        for event in (*one.all(Kind.FIRING), *one.all(Kind.DELIVERED))
        if event.alert not in declared
    ]
    strangers = {alert for alert, _, of_lost in found if not of_lost}
    lost = {alert for alert, _, of_lost in found if of_lost}
    because = ""
    if starved := strangers & STARVED:
        because = f"{', '.join(sorted(starved))} of an undrilled target: the machine was too busy"
    elif strangers:
        because = "the scenario does not declare it in may_fire or hushes"
    elif lost:
        because = "scrapes of that target were lost, of which this alert tells"
    return Verdict(
        claim=claim,
        status=judged_strangers(strangers, lost),
        expected=expected,
        observed=", ".join(dict.fromkeys(text for _, text, _ in found)) or "nothing else",
        because=because,
        look="run it again on a less busy machine" if starved or (lost and not strangers) else "",
    )


def judged_strangers(alerts: Iterable[str], of_lost_scrapes: Iterable[str] = ()) -> Status:
    """Return what undeclared alerts mean: PASS for none, UNKNOWN where the machine was starved.

    So do those ``of_lost_scrapes`` alone (:func:`raised_by_lost_scrapes`).
    """
    found = set(alerts)
    if found:
        return Status.UNKNOWN if found & STARVED else Status.FAIL
    return Status.UNKNOWN if set(of_lost_scrapes) else Status.PASS


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
