"""What the HTTP API of a Prometheus answers, as dataclasses.

Design rule: pure; what is not in the documented form raises what its parts do (KeyError, TypeError,
ValueError, IndexError), which the client tells as its own error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stack.clients.timestamps import epoch_seconds

__all__ = [
    "ActiveAlert",
    "BuildInfo",
    "RuleSnapshot",
    "RulesSnapshot",
    "Sample",
    "Series",
    "Target",
    "count_alertmanagers",
    "count_notifiers",
    "read_active_alerts",
    "read_build_info",
    "read_configuration",
    "read_names",
    "read_rules",
    "read_samples",
    "read_series",
    "read_targets",
]


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


def read_rules(data: Any) -> RulesSnapshot:
    """Return every alerting rule of `/api/v1/rules`."""
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


def read_active_alerts(data: Any) -> tuple[ActiveAlert, ...]:
    """Return the alerts of `/api/v1/alerts`."""
    return tuple(_active_alert(alert) for alert in data["alerts"])


def _active_alert(alert: Any) -> ActiveAlert:
    return ActiveAlert(
        labels=alert["labels"],
        state=alert["state"],
        active_at=epoch_seconds(alert["activeAt"]),
        value=float(alert["value"]),
    )


def read_targets(data: Any) -> tuple[Target, ...]:
    """Return the active targets of `/api/v1/targets`."""
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


def count_alertmanagers(data: Any) -> int:
    """Return how many Alertmanagers `/api/v1/alertmanagers` tells."""
    return len(data["activeAlertmanagers"])


def count_notifiers(data: Any) -> int:
    """Return how many targets `/api/v1/notifiers` tells, as vmalert's Alertmanagers."""
    return sum(len(one["targets"]) for one in data["notifiers"])


def read_build_info(data: Any) -> BuildInfo:
    """Return the versions of `/api/v1/status/buildinfo`."""
    return BuildInfo(
        version=data["version"], revision=data["revision"], go_version=data["goVersion"]
    )


def read_names(data: Any) -> frozenset[str]:
    """Return the values of a label."""
    return frozenset(str(name) for name in data)


def read_configuration(data: Any) -> str:
    """Return the YAML of `/api/v1/status/config`."""
    return str(data["yaml"])


def read_samples(result: Any) -> list[Sample]:
    """Return the samples of an instant vector, or a scalar as one."""
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


def read_series(result: Any) -> list[Series]:
    """Return the series of a range vector."""
    return [
        Series(
            labels=series["metric"],
            points=tuple((float(at), float(value)) for at, value in series["values"]),
        )
        for series in result
    ]
