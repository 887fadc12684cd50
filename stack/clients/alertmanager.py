"""What an Alertmanager says of its alerts and of its deliveries.

Design rule: every answer is typed at this border; past it there is no JSON and no exposition
format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

import requests
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from urllib3.util.retry import Retry

from stack.clients.http import read_json, read_text
from stack.clients.server import Server
from stack.clients.timestamps import epoch_seconds

__all__ = [
    "AlertmanagerClient",
    "AlertmanagerError",
    "AlertmanagerStatus",
    "AmAlert",
    "NotificationCounters",
    "NotificationFailures",
]

CREATOR = "alertproof"
"""Who silences were made by, as Alertmanager shows it."""

TIMEOUT_SECONDS = 5.0
"""A loopback Alertmanager answers in milliseconds; one silent for this long is down."""

T = TypeVar("T")


class AlertmanagerError(RuntimeError):
    """Alertmanager did not answer, or not as its API is documented: the URL and the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmAlert:
    """One alert as Alertmanager holds it. Times are in epoch seconds.

    `inhibited_by` are fingerprints of alerts, `silenced_by` ids of silences, `receivers` the
    names of those that its routes lead to.
    """

    labels: Mapping[str, str]
    fingerprint: str
    state: Literal["active", "suppressed", "unprocessed"]
    inhibited_by: tuple[str, ...]
    silenced_by: tuple[str, ...]
    receivers: tuple[str, ...]
    starts_at: float
    ends_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertmanagerStatus:
    """What the running Alertmanager says of itself. `cluster` is "disabled" in a stack of one."""

    version: str
    revision: str
    go_version: str
    cluster: str
    config_yaml: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFailures:
    """How many notifications failed for one reason (such as "clientError" or "serverError").

    `receiver` is empty unless Alertmanager runs with the feature receiver-name-in-metrics.
    """

    integration: str
    receiver: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationCounters:
    """Notifications since Alertmanager started, by integration ("slack", "email", ...).

    `attempted` counts the failed ones too: what the provider accepted is `accepted()`. A
    notification counts once, when it begins, whatever the number of its retries; `requests` counts
    each try once it is answered. `suppressed` counts what was kept back, by its reason
    ("inhibition", "silence", "mute_time_interval", "active_time_interval").
    """

    attempted: Mapping[str, int]
    requests: Mapping[str, int]
    suppressed: Mapping[str, int]
    failed: Mapping[str, int]
    failures: tuple[NotificationFailures, ...]

    @property
    def on_their_way(self) -> int:
        """How many notifications, at least, have begun and were not answered yet."""
        return sum(
            max(0, count - self.requests.get(name, 0)) for name, count in self.attempted.items()
        )

    def accepted(self, integration: str) -> int:
        """Return how many notifications this integration's provider accepted."""
        return self.attempted.get(integration, 0) - self.failed.get(integration, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Silence:
    id: str
    service: str


class AlertmanagerClient:
    """Reads one Alertmanager. Thread-safe. Every method raises `AlertmanagerError`."""

    def __init__(
        self,
        server: Server | str,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        retry: Retry | None = None,
    ) -> None:
        """Read a server, or the one at a URL that asks for no token; `retry` says what repeats."""
        asked = Server.at(server)
        self.url = asked.url
        self._timeout_seconds = timeout_seconds
        self._session = asked.session(retry)

    def alerts(self) -> tuple[AmAlert, ...]:
        """Return every alert that is held: active, inhibited, silenced or not processed yet."""
        everything = dict.fromkeys(("active", "silenced", "inhibited", "unprocessed"), "true")
        return self._read_json("/api/v2/alerts", _alerts, everything)

    def muted_by(self, alert: str) -> tuple[str, ...]:
        """Return the names of the time intervals that mute groups with this alert name now."""
        return self._read_json("/api/v2/alerts/groups", lambda groups: _muted_by(groups, alert))

    def status(self) -> AlertmanagerStatus:
        """Return the version that is running and the configuration that it has loaded."""
        return self._read_json("/api/v2/status", _status)

    def notification_counters(self) -> NotificationCounters:
        """Return the counts of notifications from Alertmanager's own metrics."""
        url = f"{self.url}/metrics"
        try:
            text = read_text(self._session, url, timeout_seconds=self._timeout_seconds)
        except requests.RequestException as error:
            raise AlertmanagerError(f"{url} did not answer: {error}") from error
        return _parsed(url, _notification_counters, text)

    def silence(self, labels: Mapping[str, str], *, for_: timedelta, comment: str) -> str:
        """Silence every alert with exactly these labels, from now on; return the silence's id.

        It is what is written here, beside its end: who takes a service away tells Alertmanager so.
        """
        now = datetime.now(UTC)
        matchers = [
            {"name": name, "value": value, "isRegex": False, "isEqual": True}
            for name, value in labels.items()
        ]
        url = f"{self.url}/api/v2/silences"
        body = {
            "matchers": matchers,
            "startsAt": now.isoformat(),
            "endsAt": (now + for_).isoformat(),
            "createdBy": CREATOR,
            "comment": comment,
        }
        try:
            response = self._session.post(url, json=body, timeout=self._timeout_seconds)
            response.raise_for_status()
            answer = response.json()
        except requests.RequestException as error:
            raise AlertmanagerError(f"{url} took no silence: {error}") from error
        return _parsed(url, lambda made: str(made["silenceID"]), answer)

    def lift_silences(self, services: Collection[str]) -> None:
        """End every silence that was made here for one of these services."""
        for silence in self._read_json("/api/v2/silences", _own_silences):
            if silence.service not in services:
                continue
            url = f"{self.url}/api/v2/silence/{silence.id}"
            try:
                self._session.delete(url, timeout=self._timeout_seconds).raise_for_status()
            except requests.RequestException as error:
                raise AlertmanagerError(f"{url} was not lifted: {error}") from error

    def _read_json(
        self, path: str, parse: Callable[[Any], T], params: dict[str, str] | None = None
    ) -> T:
        url = self.url + path
        try:
            answer = read_json(
                self._session, url, params=params, timeout_seconds=self._timeout_seconds
            )
        except requests.RequestException as error:
            raise AlertmanagerError(f"{url} did not answer: {error}") from error
        return _parsed(url, parse, answer)


def _parsed(url: str, parse: Callable[[Any], T], answer: object) -> T:
    try:
        return parse(answer)
    except (KeyError, TypeError, ValueError) as error:
        raise AlertmanagerError(
            f"{url} answered in an unknown form ({type(error).__name__}: {error})"
        ) from error


def _own_silences(answer: Any) -> tuple[_Silence, ...]:
    return tuple(
        _Silence(id=silence["id"], service=matcher["value"])
        for silence in answer
        if silence["createdBy"] == CREATOR and silence["status"]["state"] != "expired"
        for matcher in silence["matchers"]
        if matcher["name"] == "service"
    )


def _alerts(answer: Any) -> tuple[AmAlert, ...]:
    return tuple(
        AmAlert(
            labels=alert["labels"],
            fingerprint=alert["fingerprint"],
            state=alert["status"]["state"],
            inhibited_by=tuple(alert["status"]["inhibitedBy"]),
            silenced_by=tuple(alert["status"]["silencedBy"]),
            receivers=tuple(receiver["name"] for receiver in alert["receivers"]),
            starts_at=epoch_seconds(alert["startsAt"]),
            ends_at=epoch_seconds(alert["endsAt"]),
        )
        for alert in answer
    )


def _muted_by(answer: Any, alert: str) -> tuple[str, ...]:
    names = {
        name
        for group in answer
        for one in group["alerts"]
        if one["labels"].get("alertname") == alert
        for name in one["status"]["mutedBy"]
    }
    return tuple(sorted(names))


def _status(answer: Any) -> AlertmanagerStatus:
    version = answer["versionInfo"]
    return AlertmanagerStatus(
        version=version["version"],
        revision=version["revision"],
        go_version=version["goVersion"],
        cluster=answer["cluster"]["status"],
        config_yaml=answer["config"]["original"],
    )


_COUNTED = re.compile(
    r"^(?:# (?:HELP|TYPE) )?alertmanager_notification"
    r"(?:s_total|s_failed_total|s_suppressed_total|_requests_total)\b.*\n",
    re.MULTILINE,
)
"""The lines of the counters that are read, of the thousands that Alertmanager exposes."""


def _notification_counters(exposition: str) -> NotificationCounters:
    # Parsing a line costs a hundred times what finding it does, and observers read each second.
    about = "".join(_COUNTED.findall(exposition))
    families = {family.name: family for family in text_string_to_metric_families(about)}
    # Families are named without the counters' suffix "_total".
    attempted = families["alertmanager_notifications"]
    failed = families["alertmanager_notifications_failed"]
    suppressed = families.get("alertmanager_notifications_suppressed")  # only once there is one
    return NotificationCounters(
        attempted=_by_integration(attempted),
        requests=_by_integration(families["alertmanager_notification_requests"]),
        suppressed=_by_label(suppressed, "reason") if suppressed else {},
        failed=_by_integration(failed),
        failures=tuple(
            NotificationFailures(
                integration=sample.labels["integration"],
                receiver=sample.labels.get("receiver_name", ""),
                reason=sample.labels.get("reason", ""),
                count=int(sample.value),
            )
            for sample in failed.samples
            if sample.value > 0
        ),
    )


def _by_integration(family: Metric) -> dict[str, int]:
    return _by_label(family, "integration")


def _by_label(family: Metric, label: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for sample in family.samples:
        value = sample.labels[label]
        counts[value] = counts.get(value, 0) + int(sample.value)
    return counts
