"""What a Prometheus that others run has loaded, and how long it keeps its data.

Design rule: every answer is typed at this border; a rule comes with its whole definition, so that
it can be compared with the file that it should be from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from stack.clients.prometheus import PrometheusClient

__all__ = ["DeployedPrometheus", "LoadedGroup", "LoadedRule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRule:
    """One rule as the running server has it; `health` is "ok", "err" or "unknown"."""

    kind: Literal["alerting", "recording"]
    name: str
    expr: str
    for_: timedelta
    keep_firing_for: timedelta
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    health: str
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedGroup:
    """One group of rules, from `file` on the server's machine."""

    name: str
    file: str
    interval: timedelta
    rules: tuple[LoadedRule, ...]


class DeployedPrometheus(PrometheusClient):
    """Reads one Prometheus, with what only somebody asks who did not start it."""

    def loaded_groups(self) -> tuple[LoadedGroup, ...]:
        """Return every group with all its rules."""
        return self._typed("/api/v1/rules", _groups)

    def retention(self) -> str:
        """Return how long data is kept, as Prometheus writes it: "30d", "30d or 50GiB"."""
        return self._typed("/api/v1/status/runtimeinfo", lambda data: str(data["storageRetention"]))


def _groups(data: Any) -> tuple[LoadedGroup, ...]:
    return tuple(
        LoadedGroup(
            name=group["name"],
            file=str(group.get("file", "")),
            interval=timedelta(seconds=float(group["interval"])),
            rules=tuple(_rule(rule) for rule in group["rules"]),
        )
        for group in data["groups"]
    )


def _rule(rule: Any) -> LoadedRule:
    return LoadedRule(
        kind="alerting" if rule["type"] == "alerting" else "recording",
        name=rule["name"],
        expr=rule["query"],
        for_=timedelta(seconds=float(rule.get("duration", 0))),
        keep_firing_for=timedelta(seconds=float(rule.get("keepFiringFor", 0))),
        labels=rule.get("labels") or {},
        annotations=rule.get("annotations") or {},
        health=rule["health"],
        last_error=rule.get("lastError") or "",
    )
