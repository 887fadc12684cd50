"""Watches Prometheus, Alertmanager and the receivers, and appends what it sees to the histories.

One rule: it never judges. Times are those of whoever did the thing: an alert's state changes at
the evaluation whose sample shows it, a notification arrives when its receiver had it whole.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from scenarios.alert_states import AlertStates, Step, times_of
from scenarios.history import READ_AT, Event, Kind, Recorder
from scenarios.model import JOB, WATCHDOG
from scenarios.polled_states import PolledStates
from stack.clients.alertmanager import AlertmanagerClient, AlertmanagerError, AmAlert
from stack.clients.prometheus import (
    ActiveAlert,
    PrometheusClient,
    PrometheusError,
    RulesSnapshot,
)
from stack.receivers import Delivery

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
        down_on_purpose_since: Callable[[float], bool] = lambda moment: False,
        polled: bool = False,
        seen_within: timedelta | None = None,
    ) -> None:
        """Watch the services of ``recorders``; what belongs to none goes to ``strangers``.

        ``alive`` names a process of the run that has ended unexpectedly, or returns ``None``.
        ``down_on_purpose_since`` tells whether a watcher was down at a moment (monotonic) or later
        because the drill is about that; who asked it then may have no answer for seconds after.
        ``polled`` tells that the samples of ``ALERTS`` are not to be relied on, and ``seen_within``
        how old the newest sample that a query sees may be; ``None`` for any age.
        """
        self._recorders = recorders
        self._strangers = strangers
        self._prometheus = prometheus
        self._alertmanager = alertmanager
        self._states = AlertStates(evaluation)
        self._seen_within = seen_within
        self._polls = PolledStates(evaluation.total_seconds()) if polled else None
        self._evaluation = evaluation
        self._alive = alive
        self._down_on_purpose_since = down_on_purpose_since
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
        """Read everything once more, and end; nothing where it never began, or has ended."""
        self._stopped.set()
        if self._thread.is_alive():
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
                    "payload": delivery.payload,
                    **({"problem": delivery.problem} if delivery.problem else {}),
                },
            )
        )

    def disturb(self, reason: str) -> None:
        """Tell every history that the experiment itself failed, and watch no longer.

        It is one moment for all: what went on beside a drill is told by time.
        """
        self.lost = reason
        event = Event(at=time.time(), kind=Kind.DISTURBED, text=reason)
        for recorder in (*self._recorders.values(), self._strangers):
            recorder.add(event)

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
            asked = time.monotonic()
            try:
                self._look()
                self._answered = time.monotonic()
            except (PrometheusError, AlertmanagerError) as error:
                if self._down_on_purpose_since(asked):
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
        active, read_at = self._prometheus.active_alerts(), time.time()
        if self._polls:
            steps = self._polls.advance(active, at=read_at, rules=times_of(rules))
        else:
            steps = self._read_samples(active, rules)
        for step in steps:
            # When an evaluation was skipped, the alert's end lies between these two moments.
            detail = {READ_AT: f"{time.time():.3f}"} if step.kind is Kind.INACTIVE else {}
            self._recorders.get(step.service, self._strangers).add(
                Event(at=step.at, kind=step.kind, alert=step.alert, detail=detail)
            )
        if self._suppressed or any(one.labels["alertname"] != WATCHDOG for one in active):
            self._look_at_inhibition(self._alertmanager.alerts())
        if read_at - self._counted > COUNT_SECONDS or self._stopped.is_set():
            self._counted = read_at
            self._look_at_failures()
            self._look_at_age()

    def _read_samples(
        self, active: tuple[ActiveAlert, ...], rules: RulesSnapshot
    ) -> Iterator[Step]:
        active_since = {
            (alert.labels.get("service", ""), alert.labels["alertname"]): alert.active_at
            for alert in active
        }
        now = time.time()
        overlap = self._evaluation.total_seconds() * 4
        reach = max(now - (self._read_until or now), 0.0) + overlap
        series = self._prometheus.query_raw(f"ALERTS[{reach * 1000:.0f}ms]")
        self._read_until = now
        return self._states.advance(series, active_since=active_since, rules=times_of(rules))

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

    def _look_at_age(self) -> None:
        if self._seen_within is None:
            return
        for newest in self._prometheus.query(f'max(timestamp(up{{job="{JOB}"}}))'):
            age, allowed = time.time() - newest.value, self._seen_within.total_seconds()
            if age > allowed:
                text = f"the newest sample was seen after {age:.1f} s, and is due after {allowed:g}"
                for recorder in self._recorders.values():
                    recorder.note(Kind.HIDDEN, text=text)

    def _note(self, service: str, kind: Kind, alert: str, **detail: str) -> None:
        self._recorders.get(service, self._strangers).note(kind, alert, **detail)
