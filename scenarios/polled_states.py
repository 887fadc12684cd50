"""The state of every alert, read by asking what evaluates the rules again and again.

One rule: for engines that do not write the samples of ``ALERTS`` at the millisecond of each
evaluation (``scenarios.alert_states``). A state's beginning is told by the engine or follows from
its rule; of an end it is known between which two looks it lies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from scenarios.alert_states import RuleTimes, Step
from scenarios.history import Kind
from stack.clients.prometheus import ActiveAlert


class Known(NamedTuple):
    """What was seen of an active alert at the last look, which was at ``seen_at``."""

    kind: Kind
    since: float
    seen_at: float


class PolledStates:
    """The state of every alert, advanced by what is active at each look; pure but for its memory.

    vmalert writes its series with whole seconds (``newTimeSeries`` in app/vmalert/rule, v1.145),
    in which four evaluations of a drill are one.
    """

    def __init__(self, evaluation_seconds: float) -> None:
        """Take ``evaluation_seconds`` for alerts of which no rule is known."""
        self._other = RuleTimes(evaluation_seconds)
        self._known: dict[tuple[str, str], Known] = {}

    def advance(
        self, active: Sequence[ActiveAlert], *, at: float, rules: Mapping[str, RuleTimes]
    ) -> Iterator[Step]:
        """Yield the changes since the last call.

        Args:
            active: every alert that is pending or firing.
            at: when that was read, in epoch seconds.
            rules: each rule's times, by alert.
        """
        now = {_key(alert): alert for alert in active}
        for key in self._known.keys() - now.keys():
            yield self._ended(key, rules)
        for key, alert in now.items():
            before = self._known.get(key)
            if before and alert.active_at > before.seen_at:
                # Gone and back since the last look.
                yield self._ended(key, rules)
                before = None
            if before is None:
                yield Step(service=key[0], alert=key[1], kind=Kind.PENDING, at=alert.active_at)
            kind = Kind.FIRING if alert.state == "firing" else Kind.PENDING
            if kind is Kind.FIRING and (before is None or before.kind is Kind.PENDING):
                fired = _fired(alert, rules.get(key[1], self._other), before)
                yield Step(service=key[0], alert=key[1], kind=kind, at=min(fired, at))
            self._known[key] = Known(kind=kind, since=alert.active_at, seen_at=at)

    def _ended(self, key: tuple[str, str], rules: Mapping[str, RuleTimes]) -> Step:
        last = self._known.pop(key)
        every = rules.get(key[1], self._other).every_seconds
        return Step(service=key[0], alert=key[1], kind=Kind.INACTIVE, at=last.seen_at + every)


def _fired(alert: ActiveAlert, rule: RuleTimes, before: Known | None) -> float:
    """Return when it began to fire: at the first evaluation after its ``for``.

    Not before it was last seen pending: an engine may skip an evaluation.
    """
    evaluations = math.ceil(rule.for_seconds / rule.every_seconds) if rule.every_seconds else 0
    due = alert.active_at + evaluations * rule.every_seconds
    return max(due, before.seen_at) if before else due


def _key(alert: ActiveAlert) -> tuple[str, str]:
    return alert.labels.get("service", ""), alert.labels["alertname"]
