"""One result of several attempts: what was drilled again counts as it went then.

One rule: pure; what an earlier attempt saw that concerns no drill that is left is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from scenarios import quiet_claims
from scenarios.berth import control_of
from scenarios.history import Event, History, Kind
from scenarios.result import Result


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
        signals={**earlier.signals, **later.signals},
    )


def without_idle_starvation(result: Result, kept: Collection[str]) -> Result:
    """Return the result without what says that the machine starved, or the experiment was
    disturbed, while no ``kept`` drill went on.

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
    of_the_machine = quiet_claims.STARVED | quiet_claims.raised_by_lost_scrapes(history)

    def idle(event: Event) -> bool:
        if event.kind is not Kind.DISTURBED and event.alert not in of_the_machine:
            return False
        ended = event
        if event.kind is Kind.FIRING:
            over = history.first(Kind.INACTIVE, event.alert, after=event.at)
            ended = over or history.events[-1]
        return not any(event.at <= last and ended.at >= first for first, last in spans)

    return replace(history, events=tuple(one for one in history.events if not idle(one)))
