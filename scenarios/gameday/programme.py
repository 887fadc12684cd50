"""Which scenarios a game day breaks, and how much of the traffic each of them hits.

One rule: pure; what can't be done as asked is refused by name, before anything is started.
"""

from __future__ import annotations

import difflib
import random
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

from scenarios.drill import Plan
from scenarios.faults.fault import Fault
from scenarios.gameday.exits import UsageError
from scenarios.gameday.options import Options
from scenarios.model import MAIN, Drill
from scenarios.scope import Scope
from scenarios.settings import Settings
from stack.derive import RunAddresses

SHARE = "share"
"""The field of a fault that says which share of the requests carries it."""

NOWHERE = RunAddresses(
    prometheus_targets_glob=Path("targets/*.yml"),
    prometheus="127.0.0.1:9090",
    alertmanager="127.0.0.1:9093",
    pagerduty_url="http://127.0.0.1",
    smtp_smarthost="127.0.0.1:25",
    smtp_ca_file=Path("ca.pem"),
    secrets_directory=Path("secrets"),
)
"""Addresses of a run that is only planned as yet: no promise depends on them."""


def choose(
    options: Options,
    catalogue: Sequence[Drill],
    *,
    lacking: Callable[[Drill], str],
    chance: random.Random,
    soon: Callable[[Drill], bool] = lambda drill: True,
) -> tuple[Drill, ...]:
    """Return what is broken, limited to the share that was asked for.

    With a facilitator the order is chance's, and each drill has an alias that tells nothing; one
    that nobody named is chosen among those whose alert comes ``soon``.

    Raises:
        UsageError: a name is unknown, can't be had here (``lacking`` says why), or can't be
            limited.
    """
    known = {drill.id: drill for drill in catalogue}
    chosen = [_named(name, known) for name in options.scenarios]
    if not chosen:
        plain = [one for one in catalogue if _surprises(one, options, lacking)]
        shuffled = chance.sample(plain, len(plain))
        chosen = [next((one for one in shuffled if soon(one)), shuffled[0])]
    for drill in chosen:
        if why := lacking(drill):
            raise UsageError(f"{drill.id} can't be drilled here: {why}")
    if options.share is not None:
        chosen = [limited(drill, options.share) for drill in chosen]
    if not options.facilitator:
        return tuple(chosen)
    order = chance.sample(chosen, len(chosen))
    return tuple(
        replace(drill, alias=f"incident-{number}") for number, drill in enumerate(order, 1)
    )


def _named(name: str, known: dict[str, Drill]) -> Drill:
    if name in known:
        return known[name]
    of_alert = [one.id for one in known.values() if one.alert == name]
    if of_alert:
        raise UsageError(f"{name} has several scenarios; name one: {', '.join(of_alert)}")
    close = difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {', '.join(close)}? " if close else ""
    raise UsageError(f"no scenario is named {name!r}; {hint}known are {', '.join(known)}")


def _surprises(drill: Drill, options: Options, lacking: Callable[[Drill], str]) -> bool:
    """Return whether nobody needs to prepare anything for a drill, and there is much to find."""
    limits = options.share is None or limitable(drill.fault)
    plain = drill.fires and not drill.subject and drill.stack == MAIN and not drill.requires
    return plain and limits and not lacking(drill)


def limitable(fault: Fault) -> bool:
    """Return whether the fault hits a share of the requests, which can be made smaller."""
    return any(field.name == SHARE for field in fields(fault))  # type: ignore[arg-type]  # every fault is a dataclass


def announced_share(fault: Fault) -> float:
    """Return the share of the requests that the fault says it hits: all, where it says nothing."""
    return float(getattr(fault, SHARE, 1.0))


def limited(drill: Drill, share: float) -> Drill:
    """Return the drill with a fault that hits at most ``share`` of the requests.

    Raises:
        UsageError: it hits whatever is there.
    """
    if announced_share(drill.fault) <= share:
        return drill
    if not limitable(drill.fault):
        raise UsageError(
            f"{drill.id} can't be limited to {share:.0%} of the requests: {drill.fault.text}, "
            "which hits all of them; leave --share out, or take another scenario"
        )
    return replace(drill, fault=replace(drill.fault, share=share))  # type: ignore[type-var]  # every fault is a dataclass


def evaluated_every(settings: Settings, drills: Sequence[Drill]) -> timedelta:
    """Return how often rules are evaluated at these settings.

    Raises:
        ConfigurationError: production's files can't be read.
    """
    return Scope.of(MAIN, drills, settings).derive(NOWHERE).evaluation_interval


def planned(settings: Settings, drills: Sequence[Drill]) -> dict[str, Plan]:
    """Return what is promised of each drill, as a run at these settings will promise it.

    Raises:
        UsageError: a fault is too small for its alert, or the hold too long for its receivers.
        ConfigurationError: production's files can't be read.
    """
    plans: dict[str, Plan] = {}
    for stack in dict.fromkeys(drill.watched_by for drill in drills):
        some = [drill for drill in drills if drill.watched_by == stack]
        scope = Scope.of(stack, some, settings)
        derived = scope.derive(NOWHERE)
        try:
            plans |= scope.plans(derived)
        except ValueError as error:
            raise UsageError(str(error)) from error
        again = min(
            route.repeat_interval.total_seconds()
            for plan in plans.values()
            for route in derived.route_tree.route_for(
                {
                    "alertname": plan.want.alert,
                    "severity": plan.want.severity,
                    "service": plan.drill.label,
                }
            )
        )
        if settings.hold_seconds >= again:
            raise UsageError(
                f"--hold {settings.hold_seconds:g}: receivers are told again after {again:g} s at "
                f"time scale {settings.time_scale:g}; hold shorter, or take a smaller --time-scale"
            )
    return {drill.id: plans[drill.id] for drill in drills}
