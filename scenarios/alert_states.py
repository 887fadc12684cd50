"""The state of every alert, read from the samples that Prometheus writes of it.

One rule: exactly, and without guessing. An alert changes at an evaluation, not when it is looked
at; and what was not evaluated since has not ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from scenarios.history import Kind
from stack.clients.prometheus import RulesSnapshot, Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change of an alert's state in Prometheus."""

    service: str
    alert: str
    kind: Kind
    at: float


class RuleTimes(NamedTuple):
    """When an alert's rule is evaluated, and how long its condition must hold to fire.

    ``evaluated_at`` is an evaluation known to be complete before the samples were read.
    """

    every_seconds: float
    for_seconds: float = 0.0
    evaluated_at: float = 0.0


class AlertStates:
    """The state of every alert, advanced by the samples of ``ALERTS``; pure but for its memory.

    ``ALERTS`` has one sample an evaluation for as long as an alert is pending or firing, so a
    state began at the first such sample, and ended at the first evaluation without one. Rule groups
    differ in how often they are evaluated, so each alert's end is reckoned by its own rule.
    """

    def __init__(self, evaluation: timedelta) -> None:
        """Take ``evaluation`` for alerts of which no rule is known."""
        self._other = RuleTimes(evaluation.total_seconds())
        self._current: dict[tuple[str, str], tuple[Kind, float]] = {}

    def advance(
        self,
        series: list[Series],
        *,
        active_since: Mapping[tuple[str, str], float],
        rules: Mapping[str, RuleTimes],
    ) -> Iterator[Step]:
        """Yield the changes since the last call.

        Args:
            series: the samples of ``ALERTS`` over a range that overlaps the last call's.
            active_since: since when the alerts that are active now have been, by service and
                name. It tells a gap in which the alert was gone from evaluations that Prometheus
                skipped because they were late.
            rules: each rule's times, by alert. Its ``for`` tells the same of an alert that is no
                longer active: one that fires sooner after a gap than it can have been pending
                was never gone.
        """
        samples = sorted(
            (at, one.labels.get("service", ""), one.labels["alertname"], _kind(one.labels))
            for one in series
            for at, _ in one.points
        )
        for at, service, alert, kind in samples:
            key = (service, alert)
            before, last = self._current.get(key, (Kind.INACTIVE, 0.0))
            if at <= last:
                continue
            rule = rules.get(alert, self._other)
            gap = at - last > 1.5 * rule.every_seconds
            if kind is Kind.FIRING and at - last < rule.for_seconds:
                gap = False
            if before is not Kind.INACTIVE and gap and active_since.get(key, at) > last:
                yield Step(
                    service=service,
                    alert=alert,
                    kind=Kind.INACTIVE,
                    at=last + rule.every_seconds,
                )
                before = Kind.INACTIVE
            since = active_since.get(key, at)
            if before is Kind.INACTIVE and last < since < at:
                # Prometheus writes no ALERTS in its first evaluations, before it has restored its
                # state, but knows since when the alert has been active.
                yield Step(service=service, alert=alert, kind=Kind.PENDING, at=since)
                before = Kind.PENDING
            if kind is not before:
                yield Step(service=service, alert=alert, kind=kind, at=at)
            self._current[key] = (kind, at)
        for key, (kind, last) in list(self._current.items()):
            # A rule counts as evaluated before its samples are written, so their absence alone
            # proves nothing: Prometheus must say as well that the alert is no longer active.
            rule = rules.get(key[1], self._other)
            looked_again = rule.evaluated_at > last + 0.5 * rule.every_seconds
            if kind is not Kind.INACTIVE and key not in active_since and looked_again:
                at = last + rule.every_seconds
                yield Step(service=key[0], alert=key[1], kind=Kind.INACTIVE, at=at)
                self._current[key] = (Kind.INACTIVE, last)


def times_of(rules: RulesSnapshot) -> dict[str, RuleTimes]:
    """Return the times of each alert's rule; of several rules of one name, the slowest count."""
    times: dict[str, RuleTimes] = {}
    for rule in rules.rules:
        one = RuleTimes(rule.every_seconds, rule.for_seconds, rule.last_evaluation)
        other = times.get(rule.name, one)
        times[rule.name] = RuleTimes(
            every_seconds=max(one.every_seconds, other.every_seconds),
            for_seconds=min(one.for_seconds, other.for_seconds),
            evaluated_at=min(one.evaluated_at, other.evaluated_at),
        )
    return times


def _kind(labels: Mapping[str, str]) -> Kind:
    return Kind.FIRING if labels["alertstate"] == "firing" else Kind.PENDING
