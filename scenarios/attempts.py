"""Drills again what the machine's own business disturbed, as one repeats a spoilt experiment.

One rule: only evidence of a disturbance (scrapes that were lost, a machine that was starved, an
experiment that did not come to its end) has a drill repeated; a FAIL without it is final.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from scenarios import claims, heartbeat_claims
from scenarios.campaign import Campaign
from scenarios.drill import Plan
from scenarios.evidence import missing, while_
from scenarios.history import History, Kind
from scenarios.model import Drill
from scenarios.report import tidy
from scenarios.result import Result, work_directory
from scenarios.settings import Settings
from scenarios.site import control_of
from scenarios.verdict import Status, Verdict

ATTEMPTS = 3
"""A machine that disturbs a drill three times, the last two with few others beside it, is no
machine to drill on; what is left then is UNKNOWN."""

WATCHED = frozenset({Kind.PENDING, Kind.FIRING, Kind.INACTIVE, Kind.DELIVERED})

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


@contextmanager
def drilled(
    settings: Settings, drills: Sequence[Drill], say: Callable[[str], None]
) -> Iterator[tuple[Campaign, Result]]:
    """Run the drills, those that were disturbed up to twice more; the last run's stack stays up.

    Raises:
        what a :class:`Campaign` raises that can't start.
    """
    left = tuple(drills)
    result: Result | None = None
    for attempt in range(1, ATTEMPTS + 1):
        directory = work_directory(settings.reports.absolute())
        try:
            with Campaign(settings, left, directory=directory, say=say) as campaign:
                say(f"drilling {len(left)} scenarios at time scale {settings.time_scale:g}")
                fresh = campaign.drill()
                reasons = disturbed(fresh)
                last = not reasons or attempt == ATTEMPTS or settings.keep
                kept = fresh.plans.keys() - ({} if last else reasons)
                fresh = without_old_starvation(fresh, kept)
                result = fresh if result is None else joined(result, fresh)
                if last:
                    yield campaign, result
                    return
        finally:
            tidy_if_there(directory)
        result = replace(result, repeated=_noted(result.repeated, reasons))
        left = tuple(drill for drill in left if drill.id in reasons)
        for name, reason in reasons.items():
            say(f"{name} was disturbed and is drilled again: {reason}")


def tidy_if_there(directory: Path) -> None:
    """Reduce a run's folder to what is kept, if it came to have one."""
    if directory.exists():
        tidy(directory)


def disturbed(result: Result) -> Mapping[str, str]:
    """Return the drills that the machine's own business disturbed, and by what."""
    found = {
        name: disturbance(
            plan,
            result.histories[name],
            result.controls[name],
            result.monitoring[plan.drill.watched_by].watchers.values(),
        )
        for name, plan in result.plans.items()
    }
    return {name: reason for name, reason in found.items() if reason}


def disturbance(
    plan: Plan, history: History, control: History, watchers: Iterable[History] = ()
) -> str:
    """Return what disturbed one drill, or an empty text where its verdicts can be trusted."""
    if reason := missing(history, plan.want):
        return reason
    beside = while_(control, history)
    seen = (history, beside, *(while_(one, history) for one in watchers))
    raised = {one.alert for each in seen for one in each.all(Kind.FIRING)}
    if starved := (raised & claims.STARVED) - plan.want.declared - plan.want.beside:
        return f"{', '.join(sorted(starved))} fired: the machine was too busy"
    lost = len(beside.all(Kind.SCRAPE_FAILED))
    if not plan.want.downtime:
        lost += len(history.all(Kind.SCRAPE_FAILED))
    if lost and any(one.status is not Status.PASS for one in judged(plan, history, control)):
        return f"{lost} scrapes were lost"
    return ""


def judged(plan: Plan, history: History, control: History) -> Iterator[Verdict]:
    """Yield the verdicts on every claim about one drill."""
    want = plan.want
    yield claims.fault_bit(history, want)
    yield claims.quiet(history, want, control)
    if plan.drill.alarms:
        yield from (judge(history, want) for judge in ALARMS)
    elif plan.drill.heartbeat:
        yield from (judge(history, want) for judge in HEARTBEATS)
    else:
        yield claims.stayed_quiet(history, want)
    yield from (claims.hushed(history, want, alert) for alert in sorted(plan.drill.hushes))
    for alert in sorted(plan.drill.uncovers):
        yield from claims.uncovered(history, want, plan.of(alert))


def joined(earlier: Result, later: Result) -> Result:
    """Return one result of both, in which what was drilled again counts as it went then."""
    number = len(earlier.monitoring)
    return replace(
        earlier,
        plans={**earlier.plans, **later.plans},
        histories={**earlier.histories, **_renamed(earlier, later)},
        controls={**earlier.controls, **later.controls},
        monitoring={
            **earlier.monitoring,
            **{f"{name}, again ({number})": one for name, one in later.monitoring.items()},
        },
        phases={
            **earlier.phases,
            "again": earlier.phases.get("again", 0.0) + sum(later.phases.values()),
        },
        metric_names=earlier.metric_names | later.metric_names,
    )


def _renamed(earlier: Result, later: Result) -> dict[str, History]:
    """Return the later histories, with names of their own where both runs had a control."""
    return {
        name if name in later.plans else f"{name}, again ({len(earlier.histories)})": history
        for name, history in later.histories.items()
    }


def without_old_starvation(result: Result, kept: Collection[str]) -> Result:
    """Return the result without what says that the machine starved while no ``kept`` drill went on.

    It says nothing of any history that is left then, as the others are drilled again. Each stack's
    control and watchers are looked at beside the drills of that stack.
    """
    histories, monitoring = dict(result.histories), dict(result.monitoring)
    for stack, beside in result.monitoring.items():
        spans = [
            (events[0].at, events[-1].at)
            for name in kept
            if result.plans[name].drill.watched_by == stack
            and (events := result.histories[name].events)
        ]
        if (control := control_of(stack)) not in result.plans:
            histories[control] = _cleared(histories[control], spans)
        monitoring[stack] = replace(
            beside,
            watchers={who: _cleared(history, spans) for who, history in beside.watchers.items()},
        )
    return replace(result, histories=histories, monitoring=monitoring)


def _cleared(history: History, spans: Sequence[tuple[float, float]]) -> History:
    return replace(
        history,
        events=tuple(
            event
            for event in history.events
            if event.alert not in claims.STARVED
            or event.kind not in WATCHED
            or any(begun <= event.at <= ended for begun, ended in spans)
        ),
    )


def _noted(
    before: Mapping[str, Sequence[str]], reasons: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    return {
        name: (*before.get(name, ()), *([reasons[name]] if name in reasons else []))
        for name in dict.fromkeys([*before, *reasons])
    }
