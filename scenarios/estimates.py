"""About how long a drill takes, and when what it takes is seen, from its plan alone.

One rule: these are for deciding what begins when (``scenarios.gate``); nothing is judged by them.
"""

from __future__ import annotations

from scenarios.drill import Plan
from scenarios.headroom import LATER_SECONDS, UNSEEN_SECONDS
from scenarios.nodes import NODE_SECONDS


def about_seconds(plan: Plan) -> float:
    """Return about how long a drill takes, in real time: its bounds, and what comes before."""
    bounds = plan.want.bounds
    before = NODE_SECONDS if plan.drill.service.own_elasticsearch else 0.0
    if not plan.drill.fires:
        return before + bounds.watch.total_seconds()
    before += sum(one.bounds.arrives.total_seconds() for one in plan.others)
    return before + (bounds.arrives + bounds.resolution_arrives).total_seconds()


def unseen_seconds(plan: Plan) -> float:
    """Return how long what a drill takes is not seen: later where its fault uses the processor."""
    drill = plan.drill
    burns = drill.fault.effect(drill.load, drill.service).cores
    return LATER_SECONDS if burns else UNSEEN_SECONDS
