"""What a person sees at the end of a run: a screen, with all that is not PASS on it.

One rule: nothing is judged here; verdicts come in, and each is counted.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from rich.console import Console
from rich.table import Table

from scenarios.drill import Plan
from scenarios.expectation import severities_in_order
from scenarios.history import History
from scenarios.measures import closest, measure
from scenarios.model import MAIN
from scenarios.report import NotApplicable
from scenarios.result import Result
from scenarios.verdict import Status, Verdict, in_seconds, worst

FITS = 24
"""So many drills have a line each; of more, those that are PASS are summed up by severity."""

REASON_WIDTH = 160
"""So many characters of why a drill was disturbed are shown; the evidence holds all of them."""

COLOURS = {Status.PASS: "green", Status.FAIL: "bold red", Status.UNKNOWN: "bold yellow"}


def what_does_not_apply(claims: Sequence[NotApplicable]) -> list[str]:
    """Return a line for each reason: with the claim, or where it has several, what they are of."""
    by_reason: dict[str, list[str]] = {}
    for one in claims:
        by_reason.setdefault(one.reason, []).append(one.test)
    lines = []
    for reason, tests in by_reason.items():
        of = tests[0]
        if len(tests) > 1:
            names = sorted({test.rpartition("[")[2].removesuffix("]") for test in tests})
            of = f"{len(tests)} claims of {', '.join(names)}"
        lines.append(f"NOT APPLICABLE  {of}: {reason}")
    return lines


def print_summary(
    console: Console,
    result: Result,
    verdicts: Mapping[str, Sequence[Verdict]],
    not_applicable: Sequence[NotApplicable],
    *,
    every_drill: bool = False,
) -> None:
    """Print what was drilled, what does not apply, and where the time went.

    ``every_drill`` asks for a line a drill, however many there are.
    """
    plans = dict(sorted(result.plans.items()))
    shown = plans
    if len(plans) > FITS and not every_drill:
        shown = {
            name: plan
            for name, plan in plans.items()
            if worst(verdicts.get(name, ())) is not Status.PASS
        }
        console.print(_by_severity(result, verdicts))
    if shown:
        console.print(_by_drill(shown, result, verdicts))
    for line in what_does_not_apply(not_applicable):
        console.print(line, highlight=False, markup=False)
    if played := [name for name, plan in plans.items() if plan.drill.synthetic]:
        console.print(
            f"synthetic  {', '.join(played)}: series were played; rule, route and receivers are "
            "proved, and nothing of a service",
            highlight=False,
            markup=False,
        )
    for name, reasons in sorted(result.repeated.items()):
        shortened = "; ".join(textwrap.shorten(reason, REASON_WIDTH) for reason in reasons)
        console.print(f"drilled again  {name}: {shortened}", highlight=False, markup=False)
    if chain := longest_chain(plans.values()):
        took = result.phases.get("drills", 0.0)
        least = chain.want.bounds.minimum.total_seconds()
        console.print(
            f"longest chain of window, for and group wait: {chain.drill.id}, {least:.1f} s; "
            f"the drills took {took / least:.1f} x that",
            highlight=False,
            style="dim",
        )
    scales = ", ".join(
        dict.fromkeys(
            f"{one.time_scale:g}" + ("" if name == MAIN else f" ({name})")
            for name, one in result.derived.items()
            if name == MAIN or one.time_scale != result.derived[MAIN].time_scale
        )
    )
    spent = "  ".join(f"{name} {seconds:.1f} s" for name, seconds in result.phases.items())
    console.print(f"time scale {scales}; {spent}", highlight=False, style="dim")


def _by_drill(
    plans: Mapping[str, Plan], result: Result, verdicts: Mapping[str, Sequence[Verdict]]
) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("drill", "severity", "detected (bound)", "resolved (bound)"):
        table.add_column(heading, no_wrap=True, justify="right" if "(" in heading else "left")
    for heading in ("receivers", "verdict"):
        table.add_column(heading, no_wrap=True)
    for name, plan in plans.items():
        judged = verdicts.get(name, ())
        status = worst(judged)
        table.add_row(
            name,
            plan.want.severity,
            *_timing(plan, result.histories[name]),
            ", ".join(sorted(plan.want.receivers)) if plan.drill.fires else "nobody",
            f"[{COLOURS[status]}]{status}[/] "
            f"{sum(one.status is Status.PASS for one in judged)}/{len(judged)}",
        )
    return table


def _by_severity(result: Result, verdicts: Mapping[str, Sequence[Verdict]]) -> Table:
    """Return a line a severity, with the drills that came closest to their bounds."""
    table = Table(box=None, pad_edge=False)
    closest = ("detected, closest to its bound", "resolved, closest to its bound")
    for heading in ("severity", "drills", "PASS", *closest):
        right = heading in ("drills", "PASS")
        table.add_column(heading, no_wrap=True, justify="right" if right else "left")
    for severity in severities_in_order(one.want.severity for one in result.plans.values()):
        plans = [one for one in result.plans.values() if one.want.severity == severity]
        good = sum(worst(verdicts.get(one.drill.id, ())) is Status.PASS for one in plans)
        taken = [(one, measure(result.histories[one.drill.id], one.want)) for one in plans]
        table.add_row(
            severity,
            str(len(plans)),
            f"[{COLOURS[Status.PASS if good == len(plans) else Status.FAIL]}]{good}[/]",
            _closest((one, each.detection, one.want.bounds.arrives) for one, each in taken),
            _closest(
                (one, each.resolution, one.want.bounds.resolution_arrives) for one, each in taken
            ),
        )
    return table


def _closest(timed: Iterable[tuple[Plan, float | None, timedelta]]) -> str:
    """Return the drill that took the largest share of its bound, and how much of how much."""
    found = closest(
        (plan.drill.id, seconds, bound.total_seconds())
        for plan, seconds, bound in timed
        if plan.drill.fires
    )
    if found is None:
        return "-"
    bound = timedelta(seconds=found.bound_seconds)
    return f"{found.drill} {found.seconds:.1f} of {in_seconds(bound)}"


def longest_chain(plans: Iterable[Plan]) -> Plan | None:
    """Return the plan that takes longest to arrive if nothing ever waits; no run can be shorter.

    ``None`` where no alert must fire, or all fire at once.
    """
    firing = [plan for plan in plans if plan.drill.fires and plan.want.bounds.minimum]
    return max(firing, key=lambda plan: plan.want.bounds.minimum, default=None)


def _timing(plan: Plan, history: History) -> tuple[str, str]:
    bounds = plan.want.bounds
    if not plan.drill.fires:
        return f"quiet ({in_seconds(bounds.watch)})", "-"
    taken = measure(history, plan.want)
    return (
        f"{_or_dash(taken.detection)} ({in_seconds(bounds.arrives)})",
        f"{_or_dash(taken.resolution)} ({in_seconds(bounds.resolution_arrives)})",
    )


def _or_dash(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"
