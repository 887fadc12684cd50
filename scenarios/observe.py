"""Watches Prometheus, Alertmanager and the receivers, and appends what it sees to the histories.

One rule: it never judges. Times are those of whoever did the thing: an alert's state changes at
the evaluation whose sample shows it, a notification arrives when its receiver had it whole.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

from scenarios.history import READ_AT, Event, Kind, Recorder
from scenarios.model import WATCHDOG
from stack.clients.alertmanager import AlertmanagerClient, AlertmanagerError, AmAlert
from stack.clients.prometheus import (
    PrometheusClient,
    PrometheusError,
    RulesSnapshot,
    Series,
)
from stack.receivers import Delivery

JOB = "softfactory"
PAUSE_SECONDS = 0.25
"""Between two rounds of polling: an evaluation, long against a poll's own 5 ms."""

RULES_SECONDS = 0.8
"""Between two reads of all rules, of which only the state of each changes: their text is long, and
a dozen observers share the interpreter. An alert's end is noted so much later, at its own time."""

COUNT_SECONDS = 1.0
"""Between two reads of Alertmanager's counters: parsed whole, and only to explain failures."""

LOST_SECONDS = 3.0
"""A component that does not answer, or a rule that can't be evaluated, for this long is lost, and
its evidence with it. A single late evaluation is not: its neighbours tell what it would have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change of an alert's state in Prometheus."""

    service: str
    alert: str
    kind: Kind
    at: float


class RuleTimes(NamedTuple):
    """How often an alert's rule is evaluated, and how long its condition must hold to fire."""

    every_seconds: float
    for_seconds: float = 0.0


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
        evaluated_at: float,
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
            evaluated_at: the last evaluation known to be complete before ``series`` was read.
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
            every = rules.get(key[1], self._other).every_seconds
            over = key not in active_since and evaluated_at > last + 0.5 * every
            if kind is not Kind.INACTIVE and over:
                at = last + every
                yield Step(service=key[0], alert=key[1], kind=Kind.INACTIVE, at=at)
                self._current[key] = (Kind.INACTIVE, last)


class Observer:
    """One thread that watches for all drills, as their recorders are told apart by service."""

    def __init__(
        self,
        *,
        recorders: Mapping[str, Recorder],
        strangers: Recorder,
        prometheus: PrometheusClient,
        alertmanager: AlertmanagerClient,
        evaluation: timedelta,
        alive: Callable[[], str | None],
        down_on_purpose: Callable[[], bool] = lambda: False,
    ) -> None:
        """Watch the services of ``recorders``; what belongs to none goes to ``strangers``.

        ``alive`` names a process of the run that has ended unexpectedly, or returns ``None``.
        While ``down_on_purpose`` is true, watchers that do not answer are what the drill is about.
        """
        self._recorders = recorders
        self._strangers = strangers
        self._prometheus = prometheus
        self._alertmanager = alertmanager
        self._states = AlertStates(evaluation)
        self._evaluation = evaluation
        self._alive = alive
        self._down_on_purpose = down_on_purpose
        self._suppressed: dict[tuple[str, str], str] = {}
        self._rules, self._rules_read = RulesSnapshot(rules=()), float("-inf")
        self._failures: Mapping[str, int] = {}
        self._read_until = self._counted = 0.0
        self._answered = self._evaluated = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)
        self.lost = ""

    def start(self) -> None:
        """Begin to watch."""
        self._answered = self._evaluated = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Read everything once more, and end."""
        self._stopped.set()
        self._thread.join()

    def received(self, delivery: Delivery) -> None:
        """Record a notification; called by the receivers."""
        recorder = self._recorders.get(delivery.service or "", self._strangers)
        recorder.add(
            Event(
                at=delivery.at,
                kind=Kind.DELIVERED,
                alert=delivery.alert or "(unnamed)",
                text=delivery.refusal or "",
                detail={
                    "receiver": delivery.receiver,
                    "status": delivery.status or "",
                    "accepted": str(delivery.accepted).lower(),
                    "headline": delivery.headline,
                    "body": delivery.text,
                    **({"problem": delivery.problem} if delivery.problem else {}),
                },
            )
        )

    def disturb(self, reason: str) -> None:
        """Tell every history that the experiment itself failed."""
        self.lost = reason
        for recorder in (*self._recorders.values(), self._strangers):
            recorder.note(Kind.DISTURBED, text=reason)

    def _run(self) -> None:
        try:
            self._watch()
        except BaseException as error:
            # Nobody watches any more: what would look like silence must not be judged.
            self.disturb(f"the observer failed: {type(error).__name__}: {error}")
            raise

    def _watch(self) -> None:
        while not self.lost:
            last_round = self._stopped.is_set()
            if dead := self._alive():
                self.disturb(dead)
                return
            try:
                self._look()
                self._answered = time.monotonic()
            except (PrometheusError, AlertmanagerError) as error:
                if self._down_on_purpose():
                    self._answered = self._evaluated = time.monotonic()
                elif last_round or time.monotonic() - self._answered > LOST_SECONDS:
                    self.disturb(f"nothing could be observed: {error}")
                    return
            if last_round:
                return
            self._stopped.wait(PAUSE_SECONDS)

    def _look(self) -> None:
        if time.monotonic() - self._rules_read > RULES_SECONDS or self._stopped.is_set():
            self._rules, self._rules_read = self._prometheus.rules(), time.monotonic()
        rules = self._rules
        broken = [rule for rule in rules.rules if rule.health == "err"]
        if not broken:
            self._evaluated = time.monotonic()
        elif self._stopped.is_set() or time.monotonic() - self._evaluated > LOST_SECONDS:
            one = broken[0]
            self.disturb(f"Prometheus can't evaluate {one.name}: {one.last_error}")
            return
        active_since = {
            (alert.labels.get("service", ""), alert.labels["alertname"]): alert.active_at
            for alert in self._prometheus.active_alerts()
        }
        # What was evaluated when the rules were read was, since then, evaluated again.
        evaluated_at = min((rule.last_evaluation for rule in rules.rules), default=0.0)
        now = time.time()
        overlap = self._evaluation.total_seconds() * 4
        reach = max(now - (self._read_until or now), 0.0) + overlap
        series = self._prometheus.query_raw(f"ALERTS[{reach * 1000:.0f}ms]")
        self._read_until = now
        for step in self._states.advance(
            series,
            active_since=active_since,
            rules={one.name: RuleTimes(one.every_seconds, one.for_seconds) for one in rules.rules},
            evaluated_at=evaluated_at,
        ):
            # When an evaluation was skipped, the alert's end lies between these two moments.
            detail = {READ_AT: f"{now:.3f}"} if step.kind is Kind.INACTIVE else {}
            self._recorders.get(step.service, self._strangers).add(
                Event(at=step.at, kind=step.kind, alert=step.alert, detail=detail)
            )
        if self._suppressed or any(name != WATCHDOG for _, name in active_since):
            self._look_at_inhibition(self._alertmanager.alerts())
        if now - self._counted > COUNT_SECONDS or self._stopped.is_set():
            self._counted = now
            self._look_at_failures()

    def _look_at_inhibition(self, alerts: tuple[AmAlert, ...]) -> None:
        names = {alert.fingerprint: alert.labels.get("alertname", "") for alert in alerts}
        now: dict[tuple[str, str], str] = {}
        for alert in alerts:
            if alert.inhibited_by:
                by = ", ".join(sorted({names.get(one, one) for one in alert.inhibited_by}))
                now[alert.labels.get("service", ""), alert.labels.get("alertname", "")] = by
        for (service, name), by in now.items():
            if self._suppressed.get((service, name)) != by:
                self._note(service, Kind.SUPPRESSED, name, by=by)
        for service, name in self._suppressed.keys() - now.keys():
            self._note(service, Kind.UNSUPPRESSED, name)
        self._suppressed = now

    def _look_at_failures(self) -> None:
        counters = self._alertmanager.notification_counters()
        failures = {f"{one.integration}, {one.reason}": one.count for one in counters.failures}
        for name, count in failures.items():
            if count > self._failures.get(name, 0):
                text = f"Alertmanager gave up a notification ({name}); see alertmanager.log"
                for recorder in self._recorders.values():
                    recorder.note(Kind.DELIVERY_FAILED, text=text)
        self._failures = failures

    def _note(self, service: str, kind: Kind, alert: str, **detail: str) -> None:
        self._recorders.get(service, self._strangers).note(kind, alert, **detail)


def scrape_failures(
    prometheus: PrometheusClient,
    services: Mapping[str, Recorder],
    *,
    since: float,
    interval: timedelta,
    job: str = JOB,
) -> None:
    """Append every scrape since ``since`` that failed, or was not made, to these histories.

    ``job`` is the one that scrapes these services; who watches is scraped by a job of its own.

    Raises:
        PrometheusError: the samples of ``up`` can't be read.
    """
    seconds = max(1.0, time.time() - since)
    named = "|".join(services)
    for series in prometheus.query_raw(f'up{{job="{job}",service=~"{named}"}}[{seconds:.0f}s]'):
        recorder = services.get(series.labels.get("service", ""))
        if recorder is None:
            continue
        points = [(at, value) for at, value in series.points if at >= since]
        for at, value in points:
            if value == 0:
                recorder.add(Event(at=at, kind=Kind.SCRAPE_FAILED))
        for (before, _), (after, _) in pairwise(points):
            missed = round((after - before) / interval.total_seconds()) - 1
            for number in range(1, missed + 1):
                at = before + number * interval.total_seconds()
                recorder.add(Event(at=at, kind=Kind.SCRAPE_FAILED, text="no scrape was made"))


def _kind(labels: Mapping[str, str]) -> Kind:
    return Kind.FIRING if labels["alertstate"] == "firing" else Kind.PENDING
