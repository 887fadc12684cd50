"""What a trial leaves to the judges: what arrived, what Alertmanager recorded, and when what was.

One rule: plain data; it is written by hand in tests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from stack.receivers import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert as a rule of the bench raises it."""

    name: str
    severity: str
    service: str = "shop"
    instance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One entry of Alertmanager's event recorder.

    Attributes:
        at: epoch seconds.
        kind: ``alertGrouped``, ``notification``, ``inhibitionMutedAlert``, ...
        alerts: the names of the alerts that it is about, each with its instance if it has one.
        integration: what was notified; "" for other kinds.
        reason: why it notified, such as ``FIRST_NOTIFICATION``; "" for other kinds.
        group: the key of the group, "" where there is none.
        flush: the number of the group's flush, 0 where there is none.
        by: the matchers of what inhibits.
    """

    at: float
    kind: str
    alerts: tuple[str, ...]
    integration: str = ""
    reason: str = ""
    group: str = ""
    flush: int = 0
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one trial saw.

    Attributes:
        deliveries: everything that reached a receiver, in order.
        recorded: what Alertmanager recorded of its reasons, in order.
        marks: when what was done or seen, in epoch seconds, by a few words.
        interval, repeat: the group and repeat interval of the route that the trial is about.
        counts: what was counted beside, by a few words.
        stopped: what the trial waited for in vain, where it was cut short by that.
    """

    deliveries: Sequence[Delivery]
    marks: Mapping[str, float]
    interval: timedelta
    repeat: timedelta
    recorded: Sequence[Recorded] = ()
    counts: Mapping[str, float] = field(default_factory=dict)
    stopped: str = ""

    def told(
        self, alert: str, receiver: str | None = None, status: str = "firing"
    ) -> tuple[Delivery, ...]:
        """Return what receivers, or one, took of an alert with this status."""
        return tuple(
            one
            for one in self.deliveries
            if one.accepted
            and one.alert == alert
            and one.status == status
            and receiver in (None, one.receiver)
        )

    def notifications(self, alert: str) -> tuple[Recorded, ...]:
        """Return what was recorded of an alert's notifications."""
        return tuple(
            one
            for one in self.recorded
            if one.kind == "notification" and any(name.startswith(alert) for name in one.alerts)
        )


def key_of(delivery: Delivery) -> str:
    """Return what the receiver tells repeated notifications by, or "" where it has no such thing.

    PagerDuty's ``dedup_key`` and the webhook's ``groupKey``.
    """
    try:
        payload = json.loads(delivery.payload)
    except ValueError:
        return ""
    if not isinstance(payload, dict):
        return ""
    return str(payload.get("dedup_key") or payload.get("groupKey") or "")
