"""Judges, one a claim: pure functions from a finished history and an expectation to a verdict.

One rule: no I/O and no clock; what was not observed is UNKNOWN, never PASS.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from scenarios.content import complaints
from scenarios.evidence import (
    first_arrivals,
    injected,
    missing,
    pending_before,
    steadily_scraped,
    unjudgeable,
    unless_scrapes_were_lost,
    while_,
    witness,
)
from scenarios.expectation import Expectation
from scenarios.history import READ_AT, Event, History, Kind
from scenarios.model import WATCHDOG
from scenarios.verdict import Status, Verdict

STARVED = frozenset({"ScrapeSlow", "RuleEvaluationSlow"})
"""What these say of a target that nobody drills is true of this run's own machine: it is so busy
that scrapes or evaluations take most of their time, and nothing else that fires can be trusted."""

CLOCK_RESOLUTION = timedelta(milliseconds=2)
"""Prometheus' timestamps are whole milliseconds; two of them may be off by one each."""


def fault_bit(history: History, want: Expectation) -> Verdict:
    """The fault was seen to take effect, from outside the alert path."""
    claim = f"{want.service}: the fault bit"
    expected = "a witness from outside the alert path"
    if missed := history.first(Kind.NOT_WITNESSED):
        return Verdict(claim=claim, status=Status.FAIL, expected=expected, observed=missed.text)
    if seen := history.first(Kind.WITNESSED):
        return Verdict(claim=claim, status=Status.PASS, expected=expected, observed=seen.text)
    reason = missing(history, want) or "the history ends before the injection"
    return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)


@steadily_scraped
def fired(history: History, want: Expectation) -> Verdict:
    """The alert fired after the fault was injected."""
    claim = f"{want.alert} fires"
    expected = f"firing within {_s(want.bounds.fires)} of the witness"
    if reason := unjudgeable(history, want):
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)
    start = injected(history)
    before = history.first(Kind.FIRING, want.alert)
    if before and before.at < start.at:
        return Verdict(
            claim=claim,
            status=Status.FAIL,
            expected=expected,
            observed=f"it fired {start.at - before.at:.1f} s before the fault was injected",
        )
    if before is None:
        pending = history.first(Kind.PENDING, want.alert)
        return Verdict(
            claim=claim,
            status=Status.FAIL,
            expected=expected,
            observed="never fired" + (", though it was pending" if pending else ""),
            because="the condition did not hold for long enough, or never did",
            look=f"pytest checks/ -k {want.service} --keep, then read the rule's expression "
            "in Prometheus",
        )
    return Verdict(
        claim=claim, status=Status.PASS, expected=expected, observed=_after(before, start)
    )


@steadily_scraped
def in_time(history: History, want: Expectation) -> Verdict:
    """The alert fired and arrived neither too early nor late."""
    limits = want.bounds
    claim = f"{want.alert} fires in time"
    expected = (
        f"pending for at least {_s(limits.pending)}; arrival no sooner than "
        f"{_s(limits.earliest)} after injection and no later than {_s(limits.arrives)} "
        "after the witness"
    )
    if reason := unjudgeable(history, want):
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)
    start, bite = injected(history), witness(history)
    firing = history.first(Kind.FIRING, want.alert, after=start.at)
    arrivals = first_arrivals(history, want, "firing")
    if firing is None or not want.receivers <= arrivals.keys():
        return Verdict(
            claim=claim,
            status=Status.UNKNOWN,
            expected=expected,
            observed="it did not fire or did not arrive, so there is nothing to time",
        )
    pending = pending_before(history, want.alert, firing)
    held = timedelta(seconds=firing.at - pending.at if pending else 0.0)
    last = max(arrivals[name].at for name in want.receivers)
    first = min(arrivals[name].at for name in want.receivers)
    problems = []
    if held + CLOCK_RESOLUTION < limits.pending:
        problems.append(f"too early: pending for {_s(held)} only")
    if timedelta(seconds=first - start.at) < limits.earliest - CLOCK_RESOLUTION:
        problems.append(f"too early: arrived {first - start.at:.1f} s after the injection")
    if timedelta(seconds=firing.at - bite.at) > limits.fires:
        problems.append(f"late: fired {firing.at - bite.at:.1f} s after the witness")
    if timedelta(seconds=last - bite.at) > limits.arrives:
        problems.append(f"late: arrived {last - bite.at:.1f} s after the witness")
    seen = f"pending for {_s(held)}, arrived {last - bite.at:.1f} s after the witness"
    return Verdict(
        claim=claim,
        status=Status.FAIL if problems else Status.PASS,
        expected=expected,
        observed="; ".join(problems) or seen,
    )


def delivered(history: History, want: Expectation) -> Verdict:
    """The notification reached exactly its receivers, once, with the right words."""
    return _arrived(history, want, "firing", f"{want.alert} reaches exactly its receivers")


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
    expected = f"no firing and no notification within {_s(watch)} of the witness"
    if reason := unjudgeable(history, want):
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)
    noise = [*history.all(Kind.FIRING, want.alert), *history.all(Kind.DELIVERED, want.alert)]
    watched = timedelta(
        seconds=_at(history.first(Kind.REPAIRING), otherwise=history) - witness(history).at
    )
    if noise:
        status, observed = Status.FAIL, f"it was {noise[0].kind} {noise[0].text}".rstrip()
    elif watched < watch:
        status, observed = Status.UNKNOWN, f"it was watched for {_s(watched)} only"
    else:
        status, observed = Status.PASS, f"quiet for {_s(watched)}"
    return Verdict(claim=claim, status=status, expected=expected, observed=observed)


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
    told = _arrived(history, other, "firing", f"{other.alert} is told once {want.alert} is over")
    silenced = history.first(Kind.SUPPRESSED, other.alert)
    first = history.first(Kind.DELIVERED, other.alert, status="firing")
    if told.status is Status.PASS and (silenced is None or first is None):
        told = replace(told, status=Status.UNKNOWN, observed="it was never seen to be hushed")
    elif silenced and first and first.at < _hushed_until(history, want, other.alert, silenced):
        told = replace(told, status=Status.FAIL, observed=f"it was told while {want.alert} fired")
    return told, _arrived(history, other, "resolved", f"{other.alert} is told to be over as well")


@steadily_scraped
def resolved(history: History, want: Expectation) -> Verdict:
    """The alert ended once the fault was repaired."""
    claim = f"{want.alert} resolves"
    expected = f"inactive within {_s(want.bounds.resolves)} of the repair"
    if reason := unjudgeable(history, want):
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)
    firing = history.first(Kind.FIRING, want.alert, after=injected(history).at)
    repaired = history.first(Kind.REPAIRED)
    if firing is None or repaired is None:
        what = "it never fired" if firing is None else "the repair never ended"
        return Verdict(
            claim=claim,
            status=Status.UNKNOWN,
            expected=expected,
            observed=f"{what}, so nothing could resolve",
        )
    begun = _at(history.first(Kind.REPAIRING), otherwise=history)
    ended = history.first(Kind.INACTIVE, want.alert, after=firing.at)
    if ended is None:
        status, observed = Status.FAIL, "still firing when the drill ended"
    elif again := history.first(Kind.FIRING, want.alert, after=ended.at):
        status, observed = Status.FAIL, f"it fired again {again.at - ended.at:.1f} s after its end"
    elif (known := float(ended.detail.get(READ_AT, ended.at))) < begun:
        status, observed = Status.FAIL, f"it ended {begun - known:.1f} s before the repair began"
    else:
        took = timedelta(seconds=max(0.0, ended.at - repaired.at))
        late = took > want.bounds.resolves
        status = Status.FAIL if late else Status.PASS
        observed = f"{'late: ' if late else ''}inactive {_s(took)} after the repair"
    return Verdict(claim=claim, status=status, expected=expected, observed=observed)


def resolution_arrived(history: History, want: Expectation) -> Verdict:
    """The resolution reached exactly the receivers that were told of the alert, in time."""
    claim = f"{want.alert}'s resolution arrives"
    arrived = _arrived(history, want, "resolved", claim)
    repaired = history.first(Kind.REPAIRED)
    if arrived.status is not Status.PASS or repaired is None:
        return arrived
    last = max(event.at for event in first_arrivals(history, want, "resolved").values())
    took = timedelta(seconds=max(0.0, last - repaired.at))
    late = took > want.bounds.resolution_arrives
    verdict = Verdict(
        claim=claim,
        status=Status.FAIL if late else Status.PASS,
        expected=f"{arrived.expected}, within {_s(want.bounds.resolution_arrives)} of the repair",
        observed=f"{'late: ' if late else ''}{arrived.observed}, {_s(took)} after the repair",
    )
    return unless_scrapes_were_lost(verdict, history, want)


def _arrived(history: History, want: Expectation, status: str, claim: str) -> Verdict:
    expected = ", ".join(sorted(want.receivers)) + f", once each, {status}"
    if reason := unjudgeable(history, want):
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)
    if status == "resolved" and not history.first(Kind.FIRING, want.alert):
        return Verdict(
            claim=claim,
            status=Status.UNKNOWN,
            expected=expected,
            observed="it never fired, so nothing could resolve",
        )
    events = history.all(Kind.DELIVERED, want.alert, status=status)
    told = [event.detail["receiver"] for event in events]
    # What a scrape that is lost may cause, and what it can't.
    number = [
        *(f"nothing at {name}" for name in sorted(want.receivers - set(told))),
        *(
            f"{name} was told {told.count(name)} times"
            for name in sorted(set(told))
            if told.count(name) > 1
        ),
    ]
    words = [
        *(f"{name} was told, and should not be" for name in sorted(set(told) - want.receivers)),
        *(problem for event in events for problem in complaints(event, want)),
    ]
    wrong = [*number, *words]
    verdict = Verdict(
        claim=claim,
        status=Status.FAIL if wrong else Status.PASS,
        expected=expected,
        observed="\n".join(wrong) or ", ".join(sorted(told)),
        because=_why_undelivered(history, want) if wrong else "",
        look="amtool config routes test --config.file stack/alertmanager-config.yml "
        f'severity="{want.severity}" service="{want.service}"'
        if wrong
        else "",
    )
    return verdict if words else unless_scrapes_were_lost(verdict, history, want)


def _why_undelivered(history: History, want: Expectation) -> str:
    refused = [event.text for event in history.all(Kind.DELIVERED, want.alert) if event.text]
    failed = [event.text for event in history.all(Kind.DELIVERY_FAILED)]
    return "; ".join([*failed, *refused]) or want.route


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


def _at(event: Event | None, otherwise: History) -> float:
    return event.at if event else otherwise.events[-1].at


def _after(event: Event, start: Event) -> str:
    return f"{event.kind} {event.at - start.at:.1f} s after the injection"


def _s(duration: timedelta) -> str:
    return f"{duration.total_seconds():.1f} s"
