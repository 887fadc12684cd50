"""One marked alert through the real routes, and whether each provider took it.

One rule: it is sent only where it can be seen through in time, it says in its first line that it is
a test and of which run, and it ends by itself even if nobody is left to end it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import requests
from prometheus_client.parser import text_string_to_metric_families

from scenarios.budget import ALLOWANCE, NOTIFY_MINIMUM
from scenarios.deployment.seen import Missing, NotSeen, of
from scenarios.deployment.visit import Visit, retries
from scenarios.verdict import Verdict
from stack.drill_labels import DRILL_LABEL, DRILL_RUN_LABEL
from stack.durations import format_duration
from stack.routes import MatchedRoute, load_routes
from stack.waiting import WaitTimeout, wait_until
from stack.yamlfile import read_yaml

ENDS_AFTER = timedelta(minutes=2)
"""Beyond the time until which it is waited for: then Alertmanager ends it, if nobody has."""

ASK_EVERY_SECONDS = 0.5

LOADED = "what is loaded"

_COUNTERS = {
    "alertmanager_notifications_total": "begun",
    "alertmanager_notifications_failed_total": "given_up",
    "alertmanager_notification_requests_total": "tried",
    "alertmanager_notification_requests_failed_total": "refused",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Alertmanager's counts of one integration's notifications, or of what came in between.

    Attributes:
        begun: notifications; `given_up` of them, after all tries.
        tried: requests to the provider; `refused` of them, or not answered.
    """

    begun: int = 0
    given_up: int = 0
    tried: int = 0
    refused: int = 0

    @property
    def accepted(self) -> int:
        """How many requests the provider took."""
        return self.tried - self.refused

    def since(self, before: Counted) -> Counted:
        """Return what came since then."""
        return Counted(
            begun=self.begun - before.begun,
            given_up=self.given_up - before.given_up,
            tried=self.tried - before.tried,
            refused=self.refused - before.refused,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of the test alert.

    Attributes:
        alert: its name.
        severity: its severity.
        channels: where it should come, as people call it.
        wanted: how many notifications of each integration it is, by the loaded routes.
        counted: what each integration did meanwhile.
        waited_seconds: for so long it was looked for.
        group_interval: after which, at the latest, its resolution follows.
    """

    alert: str
    severity: str
    channels: tuple[str, ...]
    wanted: Mapping[str, int]
    counted: Mapping[str, Counted]
    waited_seconds: float
    group_interval: timedelta


def page(visit: Visit) -> Told:
    """See the test alert through to its providers."""
    target = visit.target
    if target.page_test is None:
        raise NotSeen("no test alert was asked for")
    severity = target.page_test.severity
    name = f"GateTest{visit.run.rpartition('-')[2]}"
    labels = {
        "alertname": name,
        "severity": severity,
        "service": target.service or "softfactory",
        "category": "test",
        DRILL_LABEL: "true",
        DRILL_RUN_LABEL: visit.run,
    }
    text = visit.alertmanager().status().config_yaml
    tree = load_routes(text, LOADED)
    if tree.muted(labels, datetime.now(UTC)):
        raise NotSeen(f"{severity} is muted now, by the calendar: nothing was sent", "try by day")
    routes = tree.route_for(labels)
    receivers = {one.receiver for one in routes}
    patience = patience_of(routes)
    if patience > timedelta(seconds=visit.left_seconds):
        raise NotSeen(
            f"the test alert may take {patience.total_seconds():.0f} s (group_wait and the "
            f"provider's answer), and {max(0.0, visit.left_seconds):.0f} s are left: nothing was "
            "sent",
            "give --deadline more seconds",
        )
    wanted = wanted_of(text, receivers)
    before = _counted(visit)
    began = time.monotonic()
    _send(visit, labels, ends=datetime.now(UTC) + patience + ENDS_AFTER)
    try:
        counted = _settled(visit, wanted, before, patience)
    finally:
        _send(visit, labels, ends=datetime.now(UTC))
    return Told(
        alert=name,
        severity=severity,
        channels=tuple(
            sorted(channel for one in receivers for channel in tree.channels.get(one, ()))
        ),
        wanted=wanted,
        counted=counted,
        waited_seconds=time.monotonic() - began,
        group_interval=max(one.group_interval for one in routes),
    )


def patience_of(routes: tuple[MatchedRoute, ...]) -> timedelta:
    """Return how long a notification may take: `group_wait`, and the provider's answer. Pure."""
    return max(one.group_wait for one in routes) + NOTIFY_MINIMUM + ALLOWANCE


def wanted_of(routing: str, receivers: set[str]) -> dict[str, int]:
    """Return how many notifications each integration sends for these receivers. Pure."""
    wanted: dict[str, int] = {}
    for receiver in read_yaml(routing, LOADED).get("receivers") or ():
        if receiver["name"] in receivers:
            for kind, several in receiver.items():
                if str(kind).endswith("_configs") and several:
                    integration = str(kind).removesuffix("_configs")
                    wanted[integration] = wanted.get(integration, 0) + len(several)
    return wanted


def _settled(
    visit: Visit, wanted: Mapping[str, int], before: Mapping[str, Counted], patience: timedelta
) -> dict[str, Counted]:
    """Wait until every integration has begun and is answered, or one has given up."""
    latest: dict[str, Counted] = {}

    def settled() -> bool:
        nonlocal latest
        now = _counted(visit)
        latest = {
            name: now.get(name, Counted()).since(before.get(name, Counted())) for name in wanted
        }
        return any(one.given_up for one in latest.values()) or all(
            latest[name].accepted >= count for name, count in wanted.items()
        )

    try:
        wait_until(
            settled,
            what="the test alert to be taken",
            timeout_seconds=min(patience.total_seconds(), visit.left_seconds),
            interval_seconds=ASK_EVERY_SECONDS,
        )
    except WaitTimeout:
        return latest  # what was seen is judged
    return latest


def _counted(visit: Visit) -> dict[str, Counted]:
    try:
        return read_counters(visit.watcher("alertmanager", "/metrics").text)
    except requests.RequestException as error:
        raise visit.not_seen("Alertmanager's counters", error) from error


def read_counters(exposition: str) -> dict[str, Counted]:
    """Return the counts by integration, of Alertmanager's own metrics. Pure."""
    about = "".join(
        f"{line}\n"
        for line in exposition.splitlines()
        if line.startswith(("alertmanager_notification", "# TYPE alertmanager_notification"))
    )
    sums: dict[str, dict[str, int]] = {}
    for family in text_string_to_metric_families(about):
        for sample in family.samples:
            if key := _COUNTERS.get(sample.name):
                of_one = sums.setdefault(sample.labels["integration"], {})
                of_one[key] = of_one.get(key, 0) + int(sample.value)
    return {name: Counted(**counts) for name, counts in sums.items()}


def _send(visit: Visit, labels: Mapping[str, str], *, ends: datetime) -> None:
    """Hand Alertmanager the alert, which ends then."""
    summary = f"TEST by {visit.run}: nothing is broken"
    body = [
        {
            "labels": dict(labels),
            "annotations": {
                "summary": summary,
                "description": "The gate before a deploy shows that this channel works.",
                "action": "nothing; it ends by itself",
            },
            "endsAt": ends.isoformat(),
        }
    ]
    alertmanager = visit.target.watchers["alertmanager"]
    try:
        with alertmanager.session(retries()) as session:
            session.post(
                f"{alertmanager.url}/api/v2/alerts",
                json=body,
                timeout=visit.patience_seconds,
                allow_redirects=False,
            ).raise_for_status()
    except requests.RequestException as error:
        raise visit.not_seen("Alertmanager took no test alert", error) from error


def judge_page(seen: Told | Missing) -> Verdict:
    """Judge that every provider took the test alert."""
    claim = "the test alert reaches its providers"
    if isinstance(seen, Missing):
        return seen.verdict(claim, "each provider takes it")
    wanted = ", ".join(f"{count} by {name}" for name, count in sorted(seen.wanted.items()))
    expected = f"{seen.alert} of {seen.severity} taken: {wanted or 'nobody is told'}"
    problems = [] if seen.wanted else [f"no receiver is told of {seen.severity}"]
    for name, count in sorted(seen.wanted.items()):
        one = seen.counted.get(name, Counted())
        if one.given_up or one.accepted < count:
            problems.append(
                f"{name}: {one.begun} begun, {one.accepted} of {count} taken, "
                f"{one.refused} refused or not answered, {one.given_up} given up"
            )
    observed = (
        f"{', '.join(seen.channels)} in {seen.waited_seconds:.0f} s; ended, its resolution follows "
        f"within {format_duration(seen.group_interval)}"
    )
    look = "Alertmanager's log has the provider's answer; docs/runbooks/AlertDeliveryFailing.md"
    return of(claim, expected, observed, "\n".join(problems), look)


def judge_confirmed(answer: bool | None, seen: Told | Missing) -> Verdict:
    """Judge what a person says; None where nobody has answered in time."""
    claim = "a person has seen the test alert"
    if isinstance(seen, Missing):
        return seen.verdict(claim, "yes")
    where = ", ".join(seen.channels)
    if answer is None:
        return Missing(
            why=f"nobody said whether {seen.alert} came at {where}",
            look="give --deadline more seconds",
        ).verdict(claim, "yes")
    problem = "" if answer else f"it did not come everywhere: {where}"
    return of(claim, f"{seen.alert} at {where}", "they say so", problem)


def question(seen: Told) -> str:
    """Return what a person is asked."""
    return f"Did {seen.alert} come at {', '.join(seen.channels)}? [y/n] "
