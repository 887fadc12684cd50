"""What is said before anything breaks: what, where, how much, how long, and what would end it.

One rule: pure text of what was planned; with a facilitator, nothing in it tells what breaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from scenarios.drill import Plan
from scenarios.gameday.programme import announced_share, limitable
from scenarios.gameday.stop import Limits

STEADY = timedelta(seconds=15)
"""About how long a service takes to be up and steady before its fault."""


def announcement(
    run: str,
    plans: Sequence[Plan],
    limits: Mapping[str, Limits],
    *,
    where: str,
    hidden: bool = False,
) -> str:
    """Return what a person reads before saying yes."""
    lines = [f"Game day {run}", f"where   {where}"]
    for plan in plans:
        lines += ["", *_one(plan, limits[plan.drill.id], hidden=hidden)]
    together = "one after the other" if hidden else "at the same time"
    lines += [
        "",
        f"begins  {together}, each once its steady state holds; about {_duration(plans, hidden)}",
        "ends    within a second by q, Enter or Ctrl-C here"
        if not hidden
        else "ends    within a second by `stop` or Ctrl-C here, and by `mitigate`",
        f"marks   every alert with drill=true and drill_run={run}: DRILL {run} in its first line",
    ]
    return "\n".join(lines)


def blast_radius(plan: Plan) -> str:
    """Return which share of whose requests a drill's fault hits."""
    fault = plan.drill.fault
    share = f"{announced_share(fault):.0%}" if limitable(fault) else "all"
    return f"{share} of the requests to {plan.drill.id}, {plan.drill.load.per_second:g}/s"


def stop_conditions(limits: Limits) -> str:
    """Return what ends a drill's fault."""
    found = []
    if limits.error_ratio is not None:
        found.append(f"more than {limits.error_ratio:.0%} errors")
    if limits.p95_seconds is not None:
        found.append(f"p95 above {limits.p95_seconds:g} s")
    return "; ".join([*found, _always(limits)])


def _always(limits: Limits) -> str:
    return (
        f"more than {limits.burn_ratio:.0%} of 30 days' error budget; any alert that is not "
        "declared"
    )


def _one(plan: Plan, limits: Limits, *, hidden: bool) -> list[str]:
    drill, want = plan.drill, plan.want
    if hidden:
        return [
            drill.id,
            "  fault     what you are to find out",
            f"  stops     limits that would tell which it is; {_always(limits)}",
        ]
    declared = ", ".join(sorted(want.declared)) or "no alert at all"
    told = ", ".join(sorted(want.receivers)) if drill.fires else "nobody"
    return [
        drill.id,
        f"  fault     {drill.fault.text}",
        f"  hits      {blast_radius(plan)}",
        f"  lasts     {_span(plan)}",
        f"  declared  {declared}",
        f"  told      {told}",
        f"  stops     {stop_conditions(limits)}",
    ]


def _span(plan: Plan) -> str:
    bounds = plan.want.bounds
    if not plan.drill.fires:
        return f"{bounds.watch.total_seconds():.0f} s"
    least = f"until the alert has arrived, at most {bounds.wait_for_arrival.total_seconds():.0f} s"
    if plan.hold:
        return f"{least}, and {plan.hold.total_seconds():.0f} s longer"
    return least


def _duration(plans: Sequence[Plan], hidden: bool) -> str:
    spans = [
        STEADY + plan.want.bounds.arrives + plan.hold + plan.want.bounds.resolution_arrives
        for plan in plans
    ]
    total = sum(spans, timedelta()) if hidden else max(spans)
    return f"{total.total_seconds():.0f} s"
