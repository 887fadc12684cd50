"""Runs a game day: brings the drills up, guards them, and makes a record of what happened.

One rule: the drills are the checklist's, run by its campaign; here is only who watches and why.
"""

from __future__ import annotations

import secrets
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TextIO

from rich.console import Console

from scenarios.campaign import Campaign
from scenarios.drill import Plan
from scenarios.gameday.announcement import blast_radius, stop_conditions
from scenarios.gameday.deployed import Deployed
from scenarios.gameday.deployment import Deployment
from scenarios.gameday.guard import Guard, StopButton
from scenarios.gameday.judgement import impact_of, judged, judged_outside
from scenarios.gameday.keys import stop_key
from scenarios.gameday.options import Options
from scenarios.gameday.programme import evaluated_every
from scenarios.gameday.record import DrillRecord
from scenarios.gameday.responder import Keyboard, Responder
from scenarios.gameday.response import Said, accepted, times_of
from scenarios.gameday.screen import Screen, clients
from scenarios.gameday.stop import Limits, Seen, success_budget
from scenarios.history import History, Kind
from scenarios.joining import without_idle_starvation
from scenarios.load_sample import LoadSample
from scenarios.model import Drill
from scenarios.report import tidy
from scenarios.result import Result
from scenarios.saying import SayLine
from scenarios.settings import Settings
from stack.clients.server import Server
from stack.rules import load_rules

LEASE_SECONDS = 3.0
"""How long faults outlive whoever breaks things. The slowest scenario sends a request a second, and
each renews it; and once that is killed with SIGKILL, the fault is to be gone in five seconds."""

SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "it was told to end (SIGTERM)"}


def new_run() -> str:
    """Return a name for one game day, by time and chance, of letters, digits and dashes."""
    return f"gd-{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(2)}"


def settings_of(options: Options, run: str) -> Settings:
    """Return how the drills of a game day are run."""
    return Settings(
        time_scale=options.time_scale,
        reports=options.reports,
        hold_seconds=options.hold_seconds,
        lease_seconds=LEASE_SECONDS,
        drill_run=run,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What all drills of a game day share.

    Attributes:
        deployment: the service that is broken, where it is none of the run's own.
        plans: what is promised of each drill, by drill.
        folder: where the day's report goes; each round works in a folder below it.
        keyboard: what somebody types on, who stops it or responds.
    """

    run: str
    settings: Settings
    deployment: Deployment | None
    plans: Mapping[str, Plan]
    limits: Mapping[str, Limits]
    folder: Path
    button: StopButton
    console: Console
    say: SayLine
    keyboard: TextIO


def held(stage: Stage, drills: Sequence[Drill], *, facilitated: bool) -> Iterator[DrillRecord]:
    """Hold the game day, and give a record of each drill as it is over.

    All drills run at the same time; with a facilitator one after the other, until one is stopped.

    Raises:
        what a :class:`Campaign` raises that can't start.
    """
    rules = load_rules(stage.settings.production.rules.read_text(encoding="utf-8"))
    budget_ratio = success_budget(rules)
    if not facilitated:
        yield from _round(stage, drills, "round", budget_ratio, lines=None)
        return
    lines = Keyboard(stage.keyboard)
    for drill in drills:
        if not stage.button.reason:
            yield from _round(stage, [drill], drill.id, budget_ratio, lines=lines)


def _round(
    stage: Stage,
    drills: Sequence[Drill],
    name: str,
    budget_ratio: float,
    *,
    lines: Keyboard | None,
) -> list[DrillRecord]:
    directory = stage.folder / name
    hidden = lines is not None
    screen = Screen(
        [drill.id for drill in drills],
        stage.say,
        stage.console,
        live=stage.console.is_terminal and not hidden,
        hidden=hidden,
    )
    latest: dict[str, Seen] = {}

    def show(seen: tuple[Seen, ...]) -> None:
        latest.update({one.drill: one for one in seen})
        screen.show(seen)

    try:
        with ExitStack() as up:
            campaign = _brought_up(up, stage, drills, directory, screen)
            up.enter_context(_signals(stage.button))
            guard = up.enter_context(
                Guard(campaign, stage.limits, stage.button, budget_ratio=budget_ratio, show=show)
            )
            said: list[Said] = []
            if lines is None:
                up.enter_context(stop_key(stage.button.press, stage.keyboard))
            else:
                responder = up.enter_context(
                    Responder(
                        campaign,
                        drills[0],
                        stage.button,
                        stage.say,
                        alertmanager=_alertmanager(stage, campaign),
                        status=lambda: _status(latest, drills[0].id),
                    )
                )
                lines.listener = responder.take
                said = responder.said
            result = campaign.drill()
            if isinstance(result, Result):
                result = without_idle_starvation(result, result.plans.keys())
            samples = {name: campaign.targets[name].client.since(0.0) for name in result.plans}
        if guard.reason:
            stage.button.press(guard.reason)
    finally:
        if lines is not None:
            lines.listener = lambda _line: None
        if directory.exists():
            tidy(directory)
    return [
        _record(
            stage,
            plan,
            result.histories[name],
            result.controls[name],
            samples[name],
            said if hidden else None,
        )
        for name, plan in result.plans.items()
    ]


def _brought_up(
    up: ExitStack, stage: Stage, drills: Sequence[Drill], directory: Path, screen: Screen
) -> Campaign | Deployed:
    """Return what runs the drills, up: services of the run's own, or a deployed one."""
    if stage.deployment is None:
        stage.say("bringing up Prometheus, Alertmanager, receivers and the services")
        return up.enter_context(
            Campaign(
                stage.settings,
                drills,
                directory=directory,
                say=stage.say,
                progress=lambda _plans, _say: screen,
            )
        )
    stage.say(f"starting the load on {stage.deployment.target.url}")
    return up.enter_context(
        Deployed(
            stage.settings,
            stage.plans[drills[0].id],
            stage.deployment,
            evaluation=evaluated_every(stage.settings, drills),
            directory=directory,
            shown=screen,
        )
    )


def _alertmanager(stage: Stage, campaign: Campaign | Deployed) -> Server:
    if isinstance(campaign, Campaign):
        return campaign.endpoints.alertmanager
    assert stage.deployment is not None
    return stage.deployment.alertmanager


def _status(latest: Mapping[str, Seen], drill: str) -> str:
    seen = latest.get(drill)
    if seen is None or not seen.answers:
        return "clients have no answers yet"
    return f"clients see {clients(seen)}; firing: {', '.join(seen.firing) or 'nothing'}"


def _record(
    stage: Stage,
    plan: Plan,
    history: History,
    control: History,
    samples: Sequence[LoadSample],
    said: Sequence[Said] | None,
) -> DrillRecord:
    impact = impact_of(samples, history)
    bite, over = history.first(Kind.WITNESSED), history.first(Kind.REPAIRED)
    drill, want = plan.drill, plan.want
    return DrillRecord(
        name=drill.name,
        shown_as=drill.id,
        fault=drill.fault.text,
        severity=want.severity,
        hits=blast_radius(plan),
        declared=tuple(sorted(want.declared)),
        receivers=tuple(sorted(want.receivers)) if drill.fires else (),
        runbook=want.runbook_url,
        stops=stop_conditions(stage.limits[drill.id]),
        impact=impact,
        lasted=over.at - bite.at if bite and over else None,
        verdicts=judged(plan, history, control, impact, run=stage.run)
        if stage.deployment is None
        else judged_outside(plan, history, control, impact, run=stage.run),
        events=history.events,
        said=tuple(said or ()),
        times=None if said is None else times_of(history, want.alert, said),
        accepted=() if said is None else accepted(drill),
    )


@contextmanager
def _signals(button: StopButton) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM stop the faults in order; a second one interrupts."""
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def press(number: int, _frame: FrameType | None) -> None:
        button.press(SIGNALS[signal.Signals(number)])
        for one, handler in before.items():
            signal.signal(one, handler)

    for number in SIGNALS:
        signal.signal(number, press)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
