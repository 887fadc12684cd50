"""Whether a history holds the evidence that a judge needs, and where in it that is.

One rule: evidence that is missing or disturbed makes a verdict UNKNOWN, whatever else was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import wraps

from scenarios.expectation import Expectation
from scenarios.history import TARGET, Event, History, Kind
from scenarios.verdict import Status, Verdict

Judge = Callable[[History, Expectation], Verdict]


def steadily_scraped(judge: Judge) -> Judge:
    """Let a judge say UNKNOWN in place of a FAIL that a lost scrape may have caused.

    One scrape that is lost on a busy machine may delay an alert, or let it resolve for a moment,
    but can't make it fire, arrive or resolve: a PASS stands beside it, and a FAIL does not. Two in
    a row are a disturbance that no verdict survives.
    """

    @wraps(judge)
    def careful(history: History, want: Expectation) -> Verdict:
        return unless_scrapes_were_lost(judge(history, want), history, want)

    return careful


def unless_scrapes_were_lost(verdict: Verdict, history: History, want: Expectation) -> Verdict:
    """Return the verdict, or UNKNOWN in place of a FAIL that a lost scrape may have caused."""
    if verdict.status is Status.FAIL and (hidden := history.all(Kind.HIDDEN)):
        return replace(
            verdict,
            status=Status.UNKNOWN,
            because=f"{hidden[0].text}, which may be the cause",
            look="run it again on a less busy machine, or say how late it sees: --visible-after",
        )
    lost = len(history.all(Kind.SCRAPE_FAILED))
    if verdict.status is not Status.FAIL or want.downtime or not lost:
        return verdict
    return replace(
        verdict,
        status=Status.UNKNOWN,
        because=f"{lost} scrapes of the target failed meanwhile, which may be the cause",
        look="run it again on a less busy machine",
    )


def while_(other: History, history: History) -> History:
    """Return what of ``other`` happened, or was still the case, while ``history`` went on."""
    if not history.events:
        return replace(other, events=())
    begun, ended = history.events[0].at, history.events[-1].at
    active: dict[str, Event] = {}
    for event in other.events:
        if event.at >= begun:
            break
        if event.kind is Kind.FIRING:
            active[event.alert] = event
        elif event.kind is Kind.INACTIVE:
            active.pop(event.alert, None)
    meanwhile = (event for event in other.events if begun <= event.at <= ended)
    return replace(other, events=(*active.values(), *meanwhile))


def unjudgeable(history: History, want: Expectation) -> str:
    """Return why nothing can be said of the alert, or an empty text."""
    if reason := missing(history, want):
        return reason
    if history.first(Kind.NOT_WITNESSED) or not history.first(Kind.WITNESSED):
        return "the fault did not bite, so nothing can be said of the alert"
    return ""


def missing(history: History, want: Expectation) -> str:
    """Return why the history is no sound evidence, or an empty text."""
    if stopped := history.first(Kind.STOPPED):
        return f"the drill was stopped: {stopped.text}"
    if disturbed := history.first(Kind.DISTURBED):
        return f"the experiment was disturbed: {disturbed.text}"
    if not history.first(Kind.ENDED):
        return "the drill did not come to its end"
    if not want.downtime and (lost := scrapes_lost_in_a_row(history, want.scrape)) > 1:
        return f"{lost} scrapes in a row failed, though this drill takes nothing down"
    return ""


def scrapes_lost_in_a_row(history: History, interval: timedelta) -> int:
    """Return how many scrapes of one target, one ``interval`` apart, failed one after the other.

    The most of any target: where a scrape of each of several is lost at one moment, each target's
    next one tells what was missed.
    """
    lost: dict[str, list[float]] = {}
    for event in history.all(Kind.SCRAPE_FAILED):
        lost.setdefault(event.detail.get(TARGET, ""), []).append(event.at)
    return max((_longest_row(sorted(times), interval) for times in lost.values()), default=0)


def _longest_row(times: Sequence[float], interval: timedelta) -> int:
    longest, run, before = 0, 0, float("-inf")
    for at in times:
        run = run + 1 if at - before < 1.5 * interval.total_seconds() else 1
        longest, before = max(longest, run), at
    return longest


def first_arrivals(history: History, want: Expectation, status: str) -> dict[str, Event]:
    """Return the first delivery with this status at each receiver."""
    arrivals: dict[str, Event] = {}
    for event in history.all(Kind.DELIVERED, want.alert, status=status, accepted="true"):
        arrivals.setdefault(event.detail["receiver"], event)
    return arrivals


def pending_before(history: History, alert: str, firing: Event) -> Event | None:
    """Return where the pending time that led to ``firing`` began."""
    before = [event for event in history.all(Kind.PENDING, alert) if event.at <= firing.at]
    return before[-1] if before else None


def injected(history: History) -> Event:
    """Return the fault's injection; only for a history that is judgeable."""
    return _last(history.all(Kind.INJECTED))


def witness(history: History) -> Event:
    """Return the fault's witness; only for a history that is judgeable."""
    return _last(history.all(Kind.WITNESSED))


def at_or_end(event: Event | None, history: History) -> float:
    """Return when an event was, or when its history ended where there is none; epoch seconds."""
    return event.at if event else history.events[-1].at


def _last(events: Iterable[Event]) -> Event:
    *_, last = events
    return last
