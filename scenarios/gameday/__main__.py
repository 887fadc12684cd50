"""Holds a game day: ``python -m scenarios.gameday --help``.

One rule: nothing is broken before it was announced and somebody, or ``--yes``, said so.
"""

from __future__ import annotations

import io
import random
import sys
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TextIO

from rich.console import Console

from scenarios import capabilities
from scenarios.catalogue import drills as catalogue
from scenarios.failures import CANNOT_START
from scenarios.gameday.announcement import announcement
from scenarios.gameday.day import Stage, held, new_run, settings_of
from scenarios.gameday.deployment import borne, looked_at
from scenarios.gameday.exits import Exit, UsageError
from scenarios.gameday.guard import StopButton
from scenarios.gameday.options import Options, parse
from scenarios.gameday.programme import choose, limited, planned
from scenarios.gameday.record import INTERRUPTED, DayRecord, DrillRecord
from scenarios.gameday.report import write
from scenarios.gameday.response import HELP
from scenarios.gameday.stop import limits_of
from scenarios.model import Drill
from scenarios.saying import SayLine
from scenarios.settings import Settings
from scenarios.verdict import Status
from stack.yamlfile import ConfigurationError

SOON = timedelta(minutes=2)
"""Who waits longer for an alert that chance chose goes for a coffee, and has learned nothing."""

NOTHING = "nothing was broken"

WHERE = (
    "services of this run's own, watched by its own Prometheus and Alertmanager, all on this "
    "machine; receivers are doubles, so that nobody is paged"
)


def main(arguments: Sequence[str], keyboard: TextIO) -> Exit:
    """Hold a game day as the arguments ask for it, and return what it came to."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    try:
        options = parse(arguments)
        if options.list_scenarios:
            for drill in catalogue():
                console.print(f"{drill.id:<40} {drill.fault.text}")
            return Exit.AS_DECLARED
        run = options.run or new_run()
        settings = settings_of(options, run)
        drills = choose(
            options,
            catalogue(),
            lacking=_lacking,
            chance=random.SystemRandom(),
            soon=lambda drill: _comes_soon(drill, options, settings),
        )
        deployment = options.deployment
        if deployment is not None:
            drills = borne(drills, deployment)
            deployment = looked_at(deployment, run)
        plans = planned(settings, drills)
    except (UsageError, ConfigurationError) as error:
        print(f"gameday: {error}", file=sys.stderr)  # noqa: T201 (a command's error message)
        return Exit.USAGE
    except KeyboardInterrupt:
        console.print(f"\n{NOTHING}")
        return Exit.DECLINED
    limits = {name: limits_of(plan, options) for name, plan in plans.items()}
    where = WHERE if deployment is None else deployment.where
    text = announcement(run, tuple(plans.values()), limits, where=where, hidden=options.facilitator)
    console.print(text)
    if not (options.yes or _agreed(console, keyboard)):
        console.print(NOTHING)
        return Exit.DECLINED
    if options.facilitator:
        console.print(f"\n{HELP}\n")
    stage = Stage(
        run=run,
        settings=settings,
        deployment=deployment,
        plans=plans,
        limits=limits,
        folder=(options.reports / "gameday" / run).absolute(),
        button=StopButton(),
        console=console,
        say=_sayer(console),
        keyboard=keyboard,
    )
    return _hold(stage, options, drills, text)


def _hold(stage: Stage, options: Options, drills: Sequence[Drill], text: str) -> Exit:
    began, failed, records = time.time(), "", list[DrillRecord]()
    try:
        for one in held(stage, drills, facilitated=options.facilitator):
            records.append(one)
    except CANNOT_START as error:
        failed = str(error)
    except KeyboardInterrupt:
        failed = INTERRUPTED
    record = DayRecord(
        run=stage.run,
        began=began,
        ended=time.time(),
        where=WHERE if stage.deployment is None else stage.deployment.where,
        time_scale=options.time_scale,
        facilitated=options.facilitator,
        announcement=text,
        stopped=stage.button.reason,
        failed=failed,
        drills=tuple(records),
    )
    page = write(record, stage.folder)
    _say_how_it_went(stage.console, record)
    stage.console.print(f"report: {page}")
    return came_to(record)


def came_to(record: DayRecord) -> Exit:
    """Return the exit status of a game day that was begun."""
    if record.stopped:
        return Exit.STOPPED
    if record.failed == INTERRUPTED:
        return Exit.DECLINED
    if record.failed:
        return Exit.CANNOT_START
    good = all(drill.status is Status.PASS for drill in record.drills)
    return Exit.AS_DECLARED if good and record.drills else Exit.OTHERWISE


def _say_how_it_went(console: Console, record: DayRecord) -> None:
    for drill in record.drills:
        for verdict in drill.findings:
            console.print(str(verdict))
        proved = sum(one.status is Status.PASS for one in drill.verdicts)
        shown = drill.name if drill.shown_as == drill.name else f"{drill.shown_as}: {drill.name}"
        console.print(f"{drill.status:<8} {shown:<40} {proved} of {len(drill.verdicts)} claims")
        if drill.stopped:
            # What is said of it last is how long the fault took to be gone.
            console.print(f"{'stopped':<8} {drill.verdicts[-1].observed}")
        if drill.times:
            parts = ("detected", "acknowledged", "diagnosed", "mitigated")
            taken = {part: getattr(drill.times, part) for part in parts}
            console.print(
                "         "
                + "  ".join(
                    f"{part} {'never' if seconds is None else f'{seconds:.1f} s'}"
                    for part, seconds in taken.items()
                )
            )
    console.print(f"{record.run}: {record.verdict}")


def _agreed(console: Console, keyboard: TextIO) -> bool:
    """Return whether somebody says yes; Ctrl-C says no."""
    console.print("\nGo on? [y/N] ", end="")
    try:
        return keyboard.readline().strip().lower() in ("y", "yes")
    except KeyboardInterrupt:
        console.print()
        return False


def _comes_soon(drill: Drill, options: Options, settings: Settings) -> bool:
    """Return whether the alert of a drill that chance may choose comes while people still wait."""
    limited_drill = drill if options.share is None else limited(drill, options.share)
    (plan,) = planned(settings, [limited_drill]).values()
    return plan.want.bounds.arrives <= SOON


def _lacking(drill: Drill) -> str:
    names = capabilities.lacking(drill.requires)
    return "; ".join(f"{name}: {capabilities.why_not(name)}" for name in names)


def _sayer(console: Console) -> SayLine:
    lock = threading.Lock()

    def say(line: str) -> None:
        with lock:
            console.print(line)

    return say


if __name__ == "__main__":
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a wrong byte must not keep `stop` from being read
    sys.exit(main(sys.argv[1:], sys.stdin))
