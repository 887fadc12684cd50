"""What a gate looks at, and with what patience: all that was asked, as one frozen object.

One rule: no secret is shown by it; what stands in a file was read once, and is never repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from stack.clients.server import Server
from stack.logs.connection import Connection
from stack.logs.lifecycle import RETENTION_DAYS
from stack.production import Production, production_files

BEFORE, AFTER = "pre-deployment", "deployment"
STAGES = (BEFORE, AFTER)
"""What a check is about: whether a deploy may begin, or whether what was deployed is well."""

Watcher = Literal["prometheus", "alertmanager", "grafana", "kibana"]

FAIL_ON = ("fail", "unknown", "not-applicable", "never")
"""From which verdict on the exit status is 1; each takes in those before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTest:
    """The one thing that is written: a marked alert of this severity, asked about if `confirm`."""

    severity: str
    confirm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentTarget:
    """One deployment.

    Attributes:
        services: the service's instances, or what stands before them, with the token of its
            monitoring endpoints.
        metrics_path: where the monitoring endpoints of the service are.
        probe_path: a path of the service that is logged, and may be asked for at any time.
        watchers: what watches; one that is not named is not looked at.
        elasticsearch: how the logs are read; None where nothing names it.
        service: value of the label `service`; "" for all that Prometheus watches.
        distribution: whose requirements must be installed.
        environment: `production` or `development`.
        retention_days: how long samples and logs are kept.
        files: rules and routing that should be in force.
        secrets_directory: holds the secrets that the routing file names; None where it can't be
            seen from here. `log_directory` likewise.
        allowed_alerts: which may fire.
        unused_alerts: which can't fire here, as the service has nothing of their kind.
        budget_minimum_ratio: how much of each error budget must be left, 0 to 1.
        log_delay_seconds: how long what ships the logs may gather records.
        timeout_seconds: of one request.
        deadline_seconds: of all, from the start of the process to its end.
        page_test: None where nobody is told anything.
        fail_on: one of `FAIL_ON`.
        summary_files: get the Markdown summary, appended.
    """

    services: tuple[Server, ...] = ()
    metrics_path: str = "/api/metrics"
    probe_path: str = "/"
    watchers: Mapping[Watcher, Server] = field(default_factory=dict)
    elasticsearch: Connection | None = None
    service: str = ""
    distribution: str = "alertproof"
    environment: str = "production"
    retention_days: int = RETENTION_DAYS["production"]
    files: Production = field(default_factory=production_files)
    secrets_directory: Path | None = None
    log_directory: Path | None = None
    allowed_alerts: frozenset[str] = frozenset()
    unused_alerts: frozenset[str] = frozenset()
    budget_minimum_ratio: float = 0.0
    log_delay_seconds: float = 5.0
    timeout_seconds: float = 5.0
    deadline_seconds: float = 60.0
    page_test: PageTest | None = None
    fail_on: str = "unknown"
    summary_files: tuple[Path, ...] = ()

    def endpoint(self, name: str) -> str:
        """Return the path of a monitoring endpoint."""
        return f"{self.metrics_path}/{name}"
