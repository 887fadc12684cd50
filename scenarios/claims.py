"""Judges of the drilled alert itself: that it fires, is told, and ends, each in time.

One rule: pure functions of a finished history; what was not observed is UNKNOWN, never PASS.
"""

from __future__ import annotations

from datetime import timedelta

from scenarios.content import complaints
from scenarios.evidence import (
    at_or_end,
    first_arrivals,
    injected,
    missing,
    pending_before,
    steadily_scraped,
    unjudgeable,
    unless_scrapes_were_lost,
    witness,
)
from scenarios.expectation import Expectation
from scenarios.history import READ_AT, Event, History, Kind
from scenarios.verdict import Status, Verdict, in_seconds

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
    expected = f"firing within {in_seconds(want.bounds.fires)} of the witness"
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
        f"pending for at least {in_seconds(limits.pending)}; arrival no sooner than "
        f"{in_seconds(limits.earliest)} after injection and no later than "
        f"{in_seconds(limits.arrives)} after the witness"
    )
    if reason := unjudgeable(history, want):
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=reason)
    start, bite = injected(history), witness(history)
    firing = history.first(Kind.FIRING, want.alert, after=start.at)
    arrivals = first_arrivals(history, want, "firing")
    if firing is None or not want.receivers or not want.receivers <= arrivals.keys():
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
        problems.append(f"too early: pending for {in_seconds(held)} only")
    if timedelta(seconds=first - start.at) < limits.earliest - CLOCK_RESOLUTION:
        problems.append(f"too early: arrived {first - start.at:.1f} s after the injection")
    if timedelta(seconds=firing.at - bite.at) > limits.fires:
        problems.append(f"late: fired {firing.at - bite.at:.1f} s after the witness")
    if timedelta(seconds=last - bite.at) > limits.arrives:
        problems.append(f"late: arrived {last - bite.at:.1f} s after the witness")
    seen = f"pending for {in_seconds(held)}, arrived {last - bite.at:.1f} s after the witness"
    return Verdict(
        claim=claim,
        status=Status.FAIL if problems else Status.PASS,
        expected=expected,
        observed="; ".join(problems) or seen,
    )


def delivered(history: History, want: Expectation) -> Verdict:
    """The notification reached exactly its receivers, once, with the right words."""
    return told_exactly(history, want, "firing", f"{want.alert} reaches exactly its receivers")


@steadily_scraped
def resolved(history: History, want: Expectation) -> Verdict:
    """The alert ended once the fault was repaired."""
    claim = f"{want.alert} resolves"
    expected = f"inactive within {in_seconds(want.bounds.resolves)} of the repair"
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
    begun = at_or_end(history.first(Kind.REPAIRING), history)
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
        observed = f"{'late: ' if late else ''}inactive {in_seconds(took)} after the repair"
    return Verdict(claim=claim, status=status, expected=expected, observed=observed)


def resolution_arrived(history: History, want: Expectation) -> Verdict:
    """The resolution reached exactly the receivers that were told of the alert, in time."""
    claim = f"{want.alert}'s resolution arrives"
    arrived = told_exactly(history, want, "resolved", claim)
    repaired = history.first(Kind.REPAIRED)
    if arrived.status is not Status.PASS or repaired is None:
        return arrived
    last = max(event.at for event in first_arrivals(history, want, "resolved").values())
    took = timedelta(seconds=max(0.0, last - repaired.at))
    late = took > want.bounds.resolution_arrives
    verdict = Verdict(
        claim=claim,
        status=Status.FAIL if late else Status.PASS,
        expected=f"{arrived.expected}, within "
        f"{in_seconds(want.bounds.resolution_arrives)} of the repair",
        observed=f"{'late: ' if late else ''}{arrived.observed}, "
        f"{in_seconds(took)} after the repair",
    )
    return unless_scrapes_were_lost(verdict, history, want)


def told_exactly(history: History, want: Expectation, status: str, claim: str) -> Verdict:
    """A notification of this status ("firing", "resolved") reached exactly its receivers, once."""
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
    if not want.receivers and not told:
        return Verdict(
            claim=claim,
            status=Status.UNKNOWN,
            expected="somebody who is told",
            observed=f"nobody is promised to be told of severity {want.severity!r}",
            because=want.route,
        )
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


def _after(event: Event, start: Event) -> str:
    return f"{event.kind} {event.at - start.at:.1f} s after the injection"
