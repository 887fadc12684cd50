"""Drills again what the machine's own business disturbed, as one repeats a spoilt experiment.

One rule: only evidence of a disturbance (scrapes that were lost, a machine that was starved, an
experiment that did not come to its end) has a drill repeated; a FAIL without it is final.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from scenarios import claims, heartbeat_claims
from scenarios.beside import Beside
from scenarios.campaign import Campaign
from scenarios.drill import Plan
from scenarios.evidence import missing, scrapes_lost_in_a_row, while_
from scenarios.failures import CANNOT_START
from scenarios.history import Event, History, Kind
from scenarios.model import WATCHDOG, Drill
from scenarios.report import tidy
from scenarios.result import Result, work_directory
from scenarios.settings import Settings
from scenarios.site import control_of
from scenarios.verdict import Status, Verdict

ATTEMPTS = 3
"""A machine that disturbs a drill three times, the last two with few others beside it, is no
machine to drill on; what is left then is UNKNOWN."""

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


@contextmanager
def drilled(
    settings: Settings,
    drills: Sequence[Drill],
    say: Callable[[str], None],
    beside: Sequence[Beside[Any]] = (),
) -> Iterator[tuple[Campaign, Result]]:
    """Run the drills, and those that were disturbed up to twice more; the run's stack stays up.

    What is done ``beside`` them begins with the first attempt. Whoever wants to look
    around afterwards (``settings.keep``) gets the first attempt as it is.

    Raises:
        what a :class:`Campaign` raises that can't start; of a later attempt it is only said.
    """
    with _campaign(settings, drills, say, beside) as campaign:
        say(f"drilling {len(drills)} scenarios at time scale {settings.time_scale:g}")
        result = campaign.drill()
        if not settings.keep:
            result = _until_undisturbed(campaign, result, say)
        yield campaign, result


def _until_undisturbed(campaign: Campaign, result: Result, say: Callable[[str], None]) -> Result:
    """Drill again what was disturbed, each time on new stacks, beside the run's own."""
    fresh = result
    for _ in range(ATTEMPTS - 1):
        reasons = disturbed(fresh)
        if not reasons:
            break
        for name, reason in reasons.items():
            say(f"{name} was disturbed and is drilled again: {reason}")
        left = [plan.drill for name, plan in fresh.plans.items() if name in reasons]
        campaign.end_turn()
        try:
            # The control's log is looked at in the first attempt, whose stack stays up.
            with _campaign(replace(campaign.settings, logs=False), left, say) as again:
                fresh = again.drill()
        except CANNOT_START as error:
            say(f"they can't be drilled again: {error}")
            return without_idle_starvation(result, result.plans.keys())
        kept = result.plans.keys() - reasons.keys()
        result = joined(without_idle_starvation(result, kept), fresh)
        result = replace(result, repeated=_noted(result.repeated, reasons))
    return without_idle_starvation(result, result.plans.keys())


@contextmanager
def _campaign(
    settings: Settings,
    drills: Sequence[Drill],
    say: Callable[[str], None],
    beside: Sequence[Beside[Any]] = (),
) -> Iterator[Campaign]:
    """Bring a campaign up in a folder of its own, which is reduced to what is kept afterwards."""
    directory = work_directory(settings.reports.absolute())
    try:
        with Campaign(settings, drills, directory=directory, say=say, beside=beside) as campaign:
            yield campaign
    finally:
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
    seen = (others, beside, *(while_(one, history) for one in watchers))
    raised = {one.alert for each in seen for one in each.all(Kind.FIRING)}
    strangers = raised - want.declared - want.beside - {WATCHDOG}
    if busy := strangers & claims.STARVED:
        return f"{', '.join(sorted(busy))} fired: the machine was too busy"
    lost = 0 if want.downtime else scrapes_lost_in_a_row(history, want.scrape)
    if lost > 1:
        return f"{lost} scrapes in a row were lost"
    if reason := missing(history, want):
        return "" if strangers else reason
    verdicts = tuple(judged(plan, history, control))
    if lost and any(one.status is Status.UNKNOWN for one in verdicts):
        return f"a scrape was lost, and {_first(verdicts, Status.UNKNOWN)}"
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
    """Return one result of both, in which what was drilled again counts as it went then.

    The controls and watchers of stacks that several drills share stay beside the later ones.
    """
    number = len(earlier.monitoring)
    shared = {plan.drill.watched_by for plan in earlier.plans.values() if not plan.drill.subject}

    def named(name: str, stack: str) -> str:
        return f"{name}, again ({number})" if stack in shared else name

    stack_of = {control_of(stack): stack for stack in later.monitoring}
    return replace(
        earlier,
        plans={**earlier.plans, **later.plans},
        histories={
            **earlier.histories,
            **{
                name if name in later.plans else named(name, stack_of[name]): history
                for name, history in later.histories.items()
            },
        },
        controls={**earlier.controls, **later.controls},
        monitoring={
            **earlier.monitoring,
            **{named(stack, stack): one for stack, one in later.monitoring.items()},
        },
        phases={
            **earlier.phases,
            "again": earlier.phases.get("again", 0.0) + sum(later.phases.values()),
        },
        metric_names=earlier.metric_names | later.metric_names,
        starved=(*earlier.starved, *later.starved),
    )


def without_idle_starvation(result: Result, kept: Collection[str]) -> Result:
    """Return the result without what says that the machine starved while no ``kept`` drill went on.

    It says nothing of any history that is left then, as the others are drilled again. Each stack's
    control and watchers are looked at beside the drills of that stack.
    """
    histories, monitoring = dict(result.histories), dict(result.monitoring)
    for stack, beside in result.monitoring.items():
        first, comma, again = stack.partition(",")  # as `joined` names those of a later attempt
        spans = [
            (events[0].at, events[-1].at)
            for name in kept
            if result.plans[name].drill.watched_by == first
            and (events := result.histories[name].events)
        ]
        control = f"{control_of(first)}{comma}{again}"
        if control in histories and control not in result.plans:
            histories[control] = _without_idle_starvation(histories[control], spans)
        monitoring[stack] = replace(
            beside,
            watchers={
                who: _without_idle_starvation(history, spans)
                for who, history in beside.watchers.items()
            },
        )
    return replace(result, histories=histories, monitoring=monitoring)


def _without_idle_starvation(history: History, spans: Sequence[tuple[float, float]]) -> History:
    def idle(event: Event) -> bool:
        if event.alert not in claims.STARVED:
            return False
        ended = event
        if event.kind is Kind.FIRING:
            over = history.first(Kind.INACTIVE, event.alert, after=event.at)
            ended = over or history.events[-1]
        return not any(event.at <= last and ended.at >= first for first, last in spans)

    return replace(history, events=tuple(one for one in history.events if not idle(one)))


def _noted(
    before: Mapping[str, Sequence[str]], reasons: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    return {
        name: (*before.get(name, ()), *([reasons[name]] if name in reasons else []))
        for name in dict.fromkeys([*before, *reasons])
    }
