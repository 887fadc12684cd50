"""How long everything may take, computed from the derived configuration and the scenario alone.

One rule: pure functions; no duration is typed in but the one allowance for a busy machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from scenarios.model import Drill
from stack.derive import Derived
from stack.rules import AlertRule

ALLOWANCE = timedelta(seconds=1)
"""Real time granted on top of every computed duration: process scheduling, HTTP between the
components, the pause of a garbage collector. It is not divided by the time scale."""

NOTIFY_MINIMUM = timedelta(seconds=10)
"""For so long Alertmanager tries a notification again before it counts it as failed, however short
its ``group_interval`` (`MinTimeout` in notify/notify.go): real time, which is not scaled."""

PATIENCE = 2
"""The wait is this many times the bound, so that "late" and "never" differ."""

ZERO = timedelta(0)


class UnknownAlert(ValueError):
    """A scenario names an alert that no rule defines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What a bound is computed from; every duration is one of the run, so already scaled.

    Attributes:
        scrape: the scrape interval.
        scrape_timeout: how long a scrape that gets no answer takes to fail; zero where the fault
            does not make scrapes hang.
        evaluation: the rule evaluation interval.
        pending: the rule's ``for``.
        keep: the rule's ``keep_firing_for``.
        window: the rule's longest range, zero where the signal is a state.
        crossing_window: the range over which the threshold's own operand is averaged.
        window_share: the share of it that the fault must fill to cross the threshold.
        group_wait, group_interval: of the route that the alert takes (the longest, if several).
        discovery: Prometheus' discovery tick where the fault acts through discovery, else zero.
        builds: how long the signal takes to reach its level once the fault bites.
        drains: whether the condition holds on until the fault has left the window.
        probe: the service's own sampling period where it samples the signal, else zero.
        lingers: how long the fault goes on acting once its repair began.
        hidden: how long after its scrape a sample may be hidden from rules, in real time.
    """

    scrape: timedelta
    scrape_timeout: timedelta = ZERO
    evaluation: timedelta
    pending: timedelta
    keep: timedelta = ZERO
    window: timedelta = ZERO
    crossing_window: timedelta = ZERO
    window_share: float = 0.0
    group_wait: timedelta
    group_interval: timedelta
    discovery: timedelta = ZERO
    builds: timedelta = ZERO
    drains: bool = True
    probe: timedelta = ZERO
    lingers: timedelta = ZERO
    hidden: timedelta = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """When things must, and must not yet, have happened.

    Attributes:
        pending: the least time between pending and firing.
        earliest: from injection to arrival; anything sooner is too early.
        minimum: from witness to arrival if nothing ever waited for a tick.
        fires: from witness to firing, at the latest.
        arrives: from witness to the notification's arrival at its receiver, at the latest.
        resolves: from the end of the repair to the alert's end, at the latest.
        resolution_arrives: from the end of the repair to the resolution's arrival, at the latest.
        watch: from witness on, how long a twin that must stay quiet is watched: a whole window
            and then as long as the alert may take.
        crossing, group_wait: the parts of ``minimum`` beside ``pending``, for the reader.
    """

    pending: timedelta
    earliest: timedelta
    minimum: timedelta
    fires: timedelta
    arrives: timedelta
    resolves: timedelta
    resolution_arrives: timedelta
    watch: timedelta
    crossing: timedelta
    group_wait: timedelta

    @property
    def wait_for_arrival(self) -> timedelta:
        """How long a drill waits for the notification."""
        return self.arrives * PATIENCE

    @property
    def wait_for_resolution(self) -> timedelta:
        """How long a drill waits for the resolution."""
        return self.resolution_arrives * PATIENCE


def bounds(timing: Timing) -> Bounds:
    """Compute the bounds of one drill.

    With *w* the rule's longest window, *c* the one of its threshold, *s* the share of that which
    the fault must fill, *f* the rule's ``for``
    rounded up to whole evaluations, *e* the evaluation and *c* the scrape interval::

        crossing   = discovery + scrape_timeout + builds + c * s
        minimum    = crossing + for + group_wait
        earliest   = for + group_wait
        fires      = crossing + probe + c + hidden + e + f + e + allowance
        arrives    = fires + group_wait
        resolves   = discovery + lingers + probe + w + c + hidden + e + keep_firing_for + e
                     + allowance
        resolution = resolves + group_interval

    The first *e* is the wait for the evaluation that sees the crossing, the second one evaluation
    that Prometheus skips when it is late. A window is drained after *w* at the latest, whatever
    its content; where the rule has another condition, which ends at once, *w* is zero in
    ``resolves``. A group's next flush comes up to one ``group_interval`` after the change.
    """
    evaluations = math.ceil(timing.pending / timing.evaluation)
    crossing = (
        timing.discovery
        + timing.scrape_timeout
        + timing.builds
        + timing.crossing_window * timing.window_share
    )
    fires = (
        crossing
        + timing.probe
        + timing.scrape
        + timing.hidden
        + timing.evaluation * (1 + evaluations + 1)
        + ALLOWANCE
    )
    drained = timing.window if timing.drains else ZERO
    resolves = (
        timing.discovery
        + timing.lingers
        + timing.probe
        + drained
        + timing.scrape
        + timing.hidden
        + timing.evaluation * 2
        + timing.keep
        + ALLOWANCE
    )
    return Bounds(
        pending=timing.pending,
        earliest=timing.pending + timing.group_wait,
        minimum=crossing + timing.pending + timing.group_wait,
        fires=fires,
        arrives=fires + timing.group_wait,
        resolves=resolves,
        resolution_arrives=resolves + timing.group_interval,
        watch=drained + fires + timing.group_wait,
        crossing=crossing,
        group_wait=timing.group_wait,
    )


def window_share(rule: AlertRule, level: float | None) -> float:
    """Return the share of the rule's window that a fault at ``level`` must fill, from 0 to 1.

    An average over a window that starts at zero and is then at ``level`` crosses the threshold
    once the fault fills ``threshold / level`` of it; for a quantile *q* the average is the share
    of requests above the objective, and its threshold ``1 - q``.

    Raises:
        ValueError: the level never crosses the threshold, so the drill could prove nothing.
    """
    if level is None or rule.threshold is None:
        return 0.0
    if level <= rule.threshold.value:
        raise ValueError(
            f"{rule.name}: a fault at {level:g} never crosses the threshold "
            f"{rule.threshold.value:g}; make the fault larger"
        )
    return rule.threshold.value / level


def timing_of(derived: Derived, drill: Drill, *, alert: str, probe: timedelta) -> Timing:
    """Collect what bounds one alert of one drill from the derived configuration.

    Args:
        derived: the configuration of the run.
        drill: the scenario.
        alert: the drilled alert, or one that it hushes.
        probe: the service's own sampling period.

    Raises:
        UnknownAlert: no rule has that name; the known ones are listed.
    """
    rule = rule_named(derived, alert)
    fault = drill.after.fault if drill.after and drill.after.alert == alert else drill.fault
    effect = fault.effect(drill.load, drill.service)
    averaged = effect.level is not None or effect.fills is not None
    share = effect.fills
    if share is None:
        share = window_share(rule, effect.level if drill.fires else None)
    routes = derived.route_tree.route_for(
        {**rule.labels, "alertname": alert, "service": drill.label}
    )
    tries = _tries(derived, effect.given_up) if effect.given_up else ZERO
    return Timing(
        scrape=scraped_every(derived, drill),
        scrape_timeout=derived.scrape_timeout if effect.times_out else ZERO,
        evaluation=derived.evaluation_interval,
        pending=rule.for_,
        keep=rule.keep_firing_for,
        window=rule.window if averaged else ZERO,
        crossing_window=_crossing_window(rule) if averaged else ZERO,
        window_share=share,
        group_wait=max((route.group_wait for route in routes), default=ZERO),
        group_interval=max((route.group_interval for route in routes), default=ZERO),
        discovery=derived.discovery_tick if effect.discovered else ZERO,
        builds=effect.builds + tries,
        drains=effect.drains,
        probe=probe if effect.probed else ZERO,
        lingers=effect.lingers + tries,
        hidden=derived.visible_after,
    )


def scraped_every(derived: Derived, drill: Drill) -> timedelta:
    """Return how often the drill's signal is scraped: the service's, or that of its watchers."""
    return derived.watcher_interval if drill.subject else derived.scrape_interval


def _crossing_window(rule: AlertRule) -> timedelta:
    """Return how far back the comparison that decides looks; else the rule's longest window."""
    threshold = rule.threshold
    return threshold.window if threshold and threshold.window else rule.window


def _tries(derived: Derived, alert: str) -> timedelta:
    """Return for how long Alertmanager tries to tell of ``alert`` before it gives up."""
    rule = rule_named(derived, alert)
    routes = derived.route_tree.route_for({**rule.labels, "alertname": alert})
    return max([NOTIFY_MINIMUM, *(route.group_interval for route in routes)])


def rule_named(derived: Derived, alert: str) -> AlertRule:
    """Return the rule that defines ``alert``.

    Raises:
        UnknownAlert: no rule has that name; the known ones are listed.
    """
    for rule in derived.rules.alerts:
        if rule.name == alert:
            return rule
    known = ", ".join(sorted(rule.name for rule in derived.rules.alerts))
    raise UnknownAlert(f"no rule is named {alert!r}; the rules define {known}")
