"""What a Prometheus says of its rules, its targets, its Alertmanagers and its series.

Design rule: every answer is typed at this border; past it there is no JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, cast

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from stack.clients.http import new_session, read_json
from stack.clients.timestamps import epoch_seconds

__all__ = [
    "ActiveAlert",
    "BuildInfo",
    "PrometheusClient",
    "PrometheusError",
    "RuleSnapshot",
    "RulesSnapshot",
    "Sample",
    "Series",
    "Target",
]

T = TypeVar("T")

TIMEOUT_SECONDS = 5.0
"""A loopback Prometheus answers in milliseconds; one that does not answer for this long is down."""


class PrometheusError(RuntimeError):
    """Prometheus did not answer, or not as its API is documented: the URL and the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveAlert:
    """One pending or firing alert of a rule. `active_at` is in epoch seconds."""

    labels: Mapping[str, str]
    state: Literal["pending", "firing"]
    active_at: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSnapshot:
    """One alerting rule as it was evaluated last.

    `every_seconds` is how often its group is evaluated, `for_seconds` how long its condition must
    hold before it fires. `last_evaluation` is in epoch
    seconds, 0.0 before the first; `evaluation_seconds` is how long that evaluation took. `health`
    is "ok", "err" or "unknown" (not evaluated yet).
    """

    group: str
    name: str
    health: str
    every_seconds: float
    for_seconds: float
    last_error: str
    last_evaluation: float
    evaluation_seconds: float
    alerts: tuple[ActiveAlert, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesSnapshot:
    """Every alerting rule, in the order of the rule files."""

    rules: tuple[RuleSnapshot, ...]

    def active_alerts(self) -> tuple[ActiveAlert, ...]:
        """Return the alerts of all rules."""
        return tuple(alert for rule in self.rules for alert in rule.alerts)

    def named(self, name: str) -> tuple[RuleSnapshot, ...]:
        """Return the rules of this name: none, one, or one a group."""
        return tuple(rule for rule in self.rules if rule.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One active scrape target. `last_scrape` is in epoch seconds, 0.0 before the first;
    `health` is "up", "down" or "unknown" (not scraped yet).
    """

    labels: Mapping[str, str]
    health: str
    last_scrape: float
    last_error: str
    scrape_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of an instant query, with its evaluation time in epoch seconds."""

    labels: Mapping[str, str]
    value: float
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of a range vector: pairs of scrape time in epoch seconds and value."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInfo:
    """What the running Prometheus says it was built from."""

    version: str
    revision: str
    go_version: str


class PrometheusClient:
    """Reads one Prometheus. Thread-safe. Every method raises `PrometheusError`.

    Queries go through prometheus-api-client; its library covers no alerting, so that rules and
    targets are read from the HTTP API as documented. `rules_url` is what evaluates the rules, where
    that is another server with the same API (vmalert).
    """

    def __init__(
        self,
        url: str,
        *,
        rules_url: str = "",
        timeout_seconds: float = TIMEOUT_SECONDS,
        sessions: Callable[[], requests.Session] = new_session,
        retry: Retry | None = None,
    ) -> None:
        """Read the Prometheus at `url` through what `sessions` makes; queries repeat by `retry`."""
        self.url = url.rstrip("/")
        self._rules_url = (rules_url or url).rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._session = sessions()
        self._queries = PrometheusConnect(
            url=self.url,
            session=sessions(),
            timeout=timeout_seconds,
            retry=retry or Retry(total=0),
        )

    def rules(self) -> RulesSnapshot:
        """Return every alerting rule with its active alerts."""
        return self._typed("/api/v1/rules", _rules, {"type": "alert"}, at=self._rules_url)

    def active_alerts(self) -> tuple[ActiveAlert, ...]:
        """Return the alerts that are pending or firing: much less to read than all rules."""
        return self._typed("/api/v1/alerts", _active_alerts, at=self._rules_url)

    def targets(self) -> tuple[Target, ...]:
        """Return the active targets; what discovery has dropped is not among them."""
        return self._typed("/api/v1/targets", _targets, {"state": "active"})

    def active_alertmanagers(self) -> int:
        """Return to how many Alertmanagers alerts are sent at present."""
        try:
            return self._typed("/api/v1/alertmanagers", _active_alertmanagers, at=self._rules_url)
        except PrometheusError:
            if self._rules_url == self.url:
                raise
        # vmalert tells it under another name.
        return self._typed("/api/v1/notifiers", _notifiers, at=self._rules_url)

    def build_info(self) -> BuildInfo:
        """Return the version that is running."""
        return self._typed("/api/v1/status/buildinfo", _build_info)

    def metric_names(self) -> frozenset[str]:
        """Return the names of all series that are stored."""
        return self._typed("/api/v1/label/__name__/values", _names)

    def configuration(self) -> str:
        """Return the configuration that is in force, as Prometheus writes it."""
        return self._typed("/api/v1/status/config", _configuration)

    def query(self, promql: str) -> list[Sample]:
        """Evaluate an instant query: the samples of a vector, or a scalar as one sample."""
        return _parsed(f"{self.url} query {promql}", _samples, self._query(promql))

    def query_raw(self, promql: str) -> list[Series]:
        """Evaluate a range vector selector such as `up[1m]`: the samples as they were scraped.

        Prometheus leaves out the marks of series that ended, and VictoriaMetrics shows them as NaN:
        no NaN is returned.
        """
        found = _parsed(f"{self.url} query {promql}", _series, self._query(promql))
        return [
            replace(one, points=tuple(point for point in one.points if not math.isnan(point[1])))
            for one in found
        ]

    def query_range(
        self, promql: str, *, start: float, end: float, step_seconds: float
    ) -> list[Series]:
        """Evaluate a query at each step from `start` to `end`, both in epoch seconds.

        Asked of the HTTP API: the library rounds both ends to whole seconds. A scalar is one
        series without labels. Prometheus gives 11,000 points of a series at most, and stops
        where the client does.
        """
        found = self._read(
            "/api/v1/query_range",
            {
                "query": promql,
                "start": f"{start:.3f}",
                "end": f"{end:.3f}",
                "step": f"{step_seconds:.3f}",
                "timeout": f"{self._timeout_seconds:g}s",
            },
        )
        return _parsed(
            f"{self.url} query_range {promql}", lambda data: _series(data["result"]), found
        )

    def has_series(self, selector: str, *, start: int, end: int) -> bool:
        """Tell whether a series that `selector` chooses has samples between two epoch seconds."""
        times = {"start": str(start), "end": str(end), "limit": "1"}
        return self._typed(
            "/api/v1/series", lambda series: len(series) > 0, {"match[]": selector, **times}
        )

    def forget(self, selector: str) -> None:
        """Delete every series that the selector chooses, with all its samples.

        It is the one thing that is written here, and needs --web.enable-admin-api.
        """
        url = f"{self.url}/api/v1/admin/tsdb/delete_series"
        try:
            response = self._session.post(
                url, params={"match[]": selector}, timeout=self._timeout_seconds
            )
            response.raise_for_status()
        except requests.RequestException as error:
            raise PrometheusError(f"{url} deleted nothing of {selector}: {error}") from error

    def _query(self, promql: str) -> object:
        try:
            answer: object = self._queries.custom_query(promql)
        except (requests.RequestException, PrometheusApiClientException) as error:
            raise PrometheusError(f"{self.url} did not answer {promql!r}: {error}") from error
        return answer

    def _typed(
        self,
        path: str,
        parse: Callable[[Any], T],
        params: dict[str, str] | None = None,
        *,
        at: str = "",
    ) -> T:
        return _parsed((at or self.url) + path, parse, self._read(path, params, at=at))

    def _read(self, path: str, params: dict[str, str] | None = None, *, at: str = "") -> object:
        url = (at or self.url) + path
        try:
            answer = read_json(
                self._session, url, params=params, timeout_seconds=self._timeout_seconds
            )
        except requests.RequestException as error:
            raise PrometheusError(f"{url} did not answer: {error}") from error
        match answer:
            case {"status": "success", "data": data}:
                return cast("object", data)
            case _:
                raise PrometheusError(f"{url} answered something else than success: {answer!r}")


def _parsed(where: str, parse: Callable[[Any], T], answer: object) -> T:
    try:
        return parse(answer)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise PrometheusError(
            f"{where} answered in an unknown form ({type(error).__name__}: {error})"
        ) from error


def _rules(data: Any) -> RulesSnapshot:
    return RulesSnapshot(
        rules=tuple(
            RuleSnapshot(
                group=group["name"],
                name=rule["name"],
                health=rule["health"],
                every_seconds=float(group["interval"]),
                for_seconds=float(rule["duration"]),
                last_error=rule.get("lastError", ""),
                last_evaluation=epoch_seconds(rule["lastEvaluation"]),
                evaluation_seconds=float(rule["evaluationTime"]),
                # vmalert leaves it out where there is none
                alerts=tuple(_active_alert(alert) for alert in rule.get("alerts") or ()),
            )
            for group in data["groups"]
            for rule in group["rules"]
        )
    )


def _active_alerts(data: Any) -> tuple[ActiveAlert, ...]:
    return tuple(_active_alert(alert) for alert in data["alerts"])


def _active_alert(alert: Any) -> ActiveAlert:
    return ActiveAlert(
        labels=alert["labels"],
        state=alert["state"],
        active_at=epoch_seconds(alert["activeAt"]),
        value=float(alert["value"]),
    )


def _targets(data: Any) -> tuple[Target, ...]:
    return tuple(
        Target(
            labels=target["labels"],
            health=target["health"],
            last_scrape=epoch_seconds(target["lastScrape"]),
            last_error=target.get("lastError", ""),
            scrape_url=target["scrapeUrl"],
        )
        for target in data["activeTargets"]
    )


def _active_alertmanagers(data: Any) -> int:
    return len(data["activeAlertmanagers"])


def _notifiers(data: Any) -> int:
    return sum(len(one["targets"]) for one in data["notifiers"])


def _build_info(data: Any) -> BuildInfo:
    return BuildInfo(
        version=data["version"], revision=data["revision"], go_version=data["goVersion"]
    )


def _names(data: Any) -> frozenset[str]:
    return frozenset(str(name) for name in data)


def _configuration(data: Any) -> str:
    return str(data["yaml"])


def _samples(result: Any) -> list[Sample]:
    match result:
        case [int() | float() as at, str() as value]:
            return [Sample(labels={}, value=float(value), at=float(at))]
        case _:
            return [
                Sample(
                    labels=sample["metric"],
                    value=float(sample["value"][1]),
                    at=float(sample["value"][0]),
                )
                for sample in result
            ]


def _series(result: Any) -> list[Series]:
    return [
        Series(
            labels=series["metric"],
            points=tuple((float(at), float(value)) for at, value in series["values"]),
        )
        for series in result
    ]
