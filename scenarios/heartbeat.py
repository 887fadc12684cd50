"""When the absence of the heartbeat is noticed, computed from the derived configuration.

Watchdog fires always, so that its drills can't claim that it fires after a fault: they claim that
it is heard of before, that its end is noticed by the dead man's switch, and that it comes back. The
switch's page takes the place of the notification, and its all-clear that of the resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from scenarios.budget import ALLOWANCE, ZERO, Bounds, rule_named
from stack.derive import Derived

GRACE = timedelta(minutes=2)
"""What production's switch grants after the period; alertmanager-config.yml says so."""

GRACE_FLOOR = timedelta(seconds=1.5)
"""It is not scaled below this: a beat crosses a real, busy machine."""

RESENDS = 4
"""An alert that Prometheus does not send again for so many resend delays has ended for
Alertmanager (`sendAlerts` in cmd/prometheus/main.go, rules/alerting.go)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What a dead man's switch is set to.

    Attributes:
        period, grace: a beat is due after the one, and missed once the other has passed as well.
        lasts: how long Alertmanager goes on beating by itself when Prometheus is dead.
    """

    period: timedelta
    grace: timedelta
    lasts: timedelta

    @property
    def missed(self) -> timedelta:
        """From the last beat to the switch's page."""
        return self.period + self.grace


def heartbeat_of(derived: Derived, alert: str) -> Heartbeat:
    """Return the heartbeat that ``alert`` is sent as.

    A beat leaves at the first flush after the repeat interval; the grace covers that too.

    Raises:
        UnknownAlert: no rule has that name.
        ValueError: no route leads the alert anywhere.
    """
    rule = rule_named(derived, alert)
    routes = derived.route_tree.route_for({**rule.labels, "alertname": alert})
    if not routes:
        raise ValueError(f"no route leads {alert} anywhere, so nobody could miss it")
    return Heartbeat(
        period=max(route.repeat_interval for route in routes),
        grace=max(GRACE / derived.time_scale, GRACE_FLOOR),
        lasts=RESENDS * max(derived.resend_delay, derived.evaluation_interval),
    )


def bounds_of(derived: Derived, alert: str, heartbeat: Heartbeat) -> Bounds:
    """Return when the switch pages after the fault, and is content again after the repair.

    A beat that left just before the fault, or up to ``lasts`` after it, is followed by period and
    grace. A Prometheus that is started again finds its Alertmanager at a tick of discovery, and
    sends again within a resend delay; an Alertmanager is sent to within that delay, and flushes.
    """
    rule = rule_named(derived, alert)
    routes = derived.route_tree.route_for({**rule.labels, "alertname": alert})
    arrives = heartbeat.lasts + heartbeat.missed + ALLOWANCE
    back = (
        derived.discovery_tick
        + derived.resend_delay
        + 2 * derived.evaluation_interval
        + max(route.group_wait + route.group_interval for route in routes)
        + ALLOWANCE
    )
    return Bounds(
        pending=ZERO,
        earliest=ZERO,
        minimum=ZERO,
        fires=arrives,
        arrives=arrives,
        resolves=back,
        resolution_arrives=back,
        watch=arrives,
        crossing=ZERO,
        group_wait=ZERO,
    )
