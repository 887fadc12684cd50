"""What disturbed a drill, if anything did: evidence that its verdicts say more of the machine.

One rule: only what was seen counts (scrapes that were lost, a machine that was starved, an
experiment that did not come to its end); a FAIL without it is final.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from scenarios import claims, heartbeat_claims, inhibition_claims, quiet_claims
from scenarios.drill import Plan
from scenarios.evidence import missing, scrapes_lost_in_a_row, while_
from scenarios.history import Event, History, Kind
from scenarios.model import WATCHDOG
from scenarios.result import Result
from scenarios.verdict import Status, Verdict

UNREACHED = frozenset({"SoftFactoryDown", "InstanceDown"})
"""What these say of a service that its fault restarts is true on a machine so busy that the start
takes longer than their scaled ``for``."""

ALARMS = (
    claims.fired,
    claims.in_time,
    claims.delivered,
    claims.resolved,
    claims.resolution_arrived,
)
HEARTBEATS = (
    heartbeat_claims.beats,
    heartbeat_claims.absence_noticed,
    heartbeat_claims.never_resolved,
    heartbeat_claims.comes_back,
)


def disturbed(result: Result) -> Mapping[str, str]:
    """Return the drills that the machine's own business disturbed, and by what."""
    found = {
        name: disturbance(
            plan,
            result.histories[name],
            result.controls[name],
            result.monitoring[plan.drill.watched_by].watchers.values(),
            starved=result.starved,
        )
        for name, plan in result.plans.items()
    }
    return {name: reason for name, reason in found.items() if reason}


def disturbance(
    plan: Plan,
    history: History,
    control: History,
    watchers: Iterable[History] = (),
    *,
    starved: Iterable[float] = (),
) -> str:
    """Return what disturbed one drill, or an empty text where its verdicts can be trusted.

    ``starved`` is when the machine had no processor time left. An alert that nobody declared is
    never explained by a drill that did not come to its end, nor is a wrong receiver or a wrong word
    by a scrape that was lost.
    """
    want = plan.want
    beside = while_(control, history)
    others = replace(history, events=_of_others(history, plan))
    of_control = quiet_claims.raised_by_lost_scrapes(control)
    seen = (
        (others, quiet_claims.raised_by_lost_scrapes(history, downtime=want.downtime)),
        (beside, of_control),
        *((while_(one, history), frozenset[str]()) for one in watchers),
    )
    raised = {
        one.alert
        for each, of_lost_scrapes in seen
        for one in each.all(Kind.FIRING)
        if one.alert not in of_lost_scrapes
    }
    strangers = raised - want.declared - want.beside - {WATCHDOG}
    if busy := strangers & quiet_claims.STARVED:
        return f"{', '.join(sorted(busy))} fired: the machine was too busy"
    lost = 0 if want.downtime else scrapes_lost_in_a_row(history, want.scrape)
    if lost > 1:
        return f"{lost} scrapes in a row were lost"
    if reason := missing(history, want):
        return "" if strangers else reason
    verdicts = tuple(judged(plan, history, control))
    if lost and any(one.status is Status.UNKNOWN for one in verdicts):
        return f"a scrape was lost, and {_first(verdicts, Status.UNKNOWN)}"
    if (hidden := history.all(Kind.HIDDEN)) and any(
        one.status is Status.UNKNOWN for one in verdicts
    ):
        return f"{hidden[0].text}, and {_first(verdicts, Status.UNKNOWN)}"
    quiet = quiet_claims.quiet(history, want, control)
    told = of_control & {one.alert for one in beside.all(Kind.FIRING)}
    if told and quiet.status is Status.UNKNOWN:
        return f'a scrape of the control was lost, and "{quiet.claim}" is {quiet.status}'
    if not want.downtime or strangers - UNREACHED or not (failed := _first(verdicts, Status.FAIL)):
        return ""
    # Whoever breaks the watchers has no neighbour: the control is the drill's own service.
    lost = 0 if plan.drill.subject else scrapes_lost_in_a_row(beside, want.scrape)
    if lost > 1:
        return f"the control lost {lost} scrapes in a row, and {failed}"
    if any(history.events[0].at <= at <= history.events[-1].at for at in starved):
        return f"the machine had no processor time left for a second, and {failed}"
    return ""


def _of_others(history: History, plan: Plan) -> tuple[Event, ...]:
    return tuple(event for event in history.events if event.alert != plan.want.alert)


def _first(verdicts: Iterable[Verdict], status: Status) -> str:
    """Return the first claim with this status, as a part of a sentence, or an empty text."""
    return next(
        (f'"{one.claim}" is {status}' for one in verdicts if one.status is status),
        "",
    )


def judged(plan: Plan, history: History, control: History) -> Iterator[Verdict]:
    """Yield the verdicts on every claim about one drill."""
    want = plan.want
    yield claims.fault_bit(history, want)
    yield quiet_claims.quiet(history, want, control)
    if plan.drill.alarms:
        yield from (judge(history, want) for judge in ALARMS)
    elif plan.drill.heartbeat:
        yield from (judge(history, want) for judge in HEARTBEATS)
    else:
        yield quiet_claims.stayed_quiet(history, want)
    yield from (
        inhibition_claims.hushed(history, want, alert) for alert in sorted(plan.drill.hushes)
    )
    for alert in sorted(plan.drill.uncovers):
        yield from inhibition_claims.uncovered(history, want, plan.of(alert))
