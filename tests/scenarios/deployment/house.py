"""A small deployment of real parts: what the gate is run against."""

from __future__ import annotations

import json
import os
import re
import secrets
import string
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from scenarios.deployment.target import DeploymentTarget
from scenarios.deployment.visit import Visit
from scenarios.nodes import set_up
from stack.backfill import PastSeries, backfill
from stack.clients import AlertmanagerClient, PrometheusClient
from stack.derive_alertmanager import derive_alertmanager
from stack.launch import MonitoringStack, Setup
from stack.launch.elasticsearch import EmbeddedElasticsearch
from stack.launch.local import Local
from stack.ports import Reservation, reserve
from stack.processes import Processes
from stack.production import production_files
from stack.receivers.doubles import Receivers
from stack.run_addresses import RunAddresses
from stack.tools import Tools, ToolSettings
from stack.tools.elasticsearch import find_elasticsearch
from stack.waiting import NotYet, wait_until

ROOT = Path(__file__).resolve().parents[3]
READY_SECONDS = 60.0
HEAP_MB = 1024

EVERY = timedelta(milliseconds=500)
PROMETHEUS = """\
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}
rule_files: [alert-rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}
scrape_configs:
  - job_name: softfactory
    metrics_path: /api/metrics/prometheus
    static_configs: [{{targets: [{services}], labels: {{service: softfactory}}}}]
  - job_name: prometheus
    static_configs: [{{targets: ['{prometheus}'], labels: {{service: prometheus}}}}]
  - job_name: alertmanager
    static_configs: [{{targets: ['{alertmanager}'], labels: {{service: alertmanager}}}}]
"""
KEPT = "--storage.tsdb.retention.time=30d"
FEATURES = "--enable-feature=extra-scrape-metrics"
RESEND = "--rules.alert.resend-delay=1s"
"""What fired before Prometheus knew its Alertmanager is else told a minute later."""


@dataclass(slots=True, kw_only=True)
class House:
    """One deployment that runs."""

    directory: Path
    service_url: str
    prometheus_url: str
    alertmanager_url: str
    rules: Path
    routing: Path
    secrets: Path
    service_pid: int
    receivers: Receivers
    processes: Processes = field(repr=False)

    @property
    def log_directory(self) -> Path:
        return self.directory / "logs"

    def options(self, **replaced: str) -> list[str]:
        """Return the command line of a gate before it, less what is replaced by nothing."""
        given = {
            "target": self.service_url,
            "prometheus_url": self.prometheus_url,
            "alertmanager_url": self.alertmanager_url,
            "loaded_rules": str(self.rules),
            "loaded_routing": str(self.routing),
            "secrets": str(self.secrets),
            "log_directory": str(self.log_directory),
            "without_alert": "CertificateExpiring",
            **replaced,
        }
        return [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """How one run of the gate ended."""

    status: int
    output: str
    seconds: float
    found: Mapping[str, Any]

    def verdicts(self) -> dict[str, str]:
        """Return the verdict of each check."""
        return {
            one["check"].removeprefix("test_"): one["status"]
            for one in self.found.get("checks", ())
        }

    def observed(self, check: str) -> str:
        """Return what was observed of one check."""
        (found,) = (one for one in self.found["checks"] if one["check"] == f"test_{check}")
        return str(found["observed"])


def gate(
    directory: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
    typed: str = "",
) -> Gated:
    """Run the gate as `nox -s gate` does; `typed` is what a person at a terminal types."""
    reports = directory / f"reports-{secrets.token_hex(4)}"
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GITHUB_", "ELASTICSEARCH_", "PYTEST"))
    }
    began = time.monotonic()
    person, terminal = os.openpty()
    if typed:
        os.write(person, typed.encode())
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "checks/deployment"),
            *(f"--reports={reports}", *options),
        ],
        cwd=ROOT,
        env={**clean, **(environment or {})},
        stdin=terminal if typed else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    os.close(person)
    os.close(terminal)
    path = reports / "gate.json"
    return Gated(
        status=done.returncode,
        output=done.stdout + done.stderr,
        seconds=time.monotonic() - began,
        found=json.loads(path.read_text()) if path.exists() else {},
    )


def visit(target: DeploymentTarget, seconds: float = 20.0) -> Visit:
    """Return a visit, as an observer gets one."""
    return Visit.begin(target, "gate-0a1b2c3d", seconds)


def real_secrets(directory: Path) -> None:
    """Write secrets that nobody has, in the form of real ones."""
    directory.mkdir(mode=0o700, parents=True)
    slack = "https://hooks.slack.com/services"
    found = {
        "pagerduty_routing_key": secrets.token_hex(16),
        "slack_incidents_url": f"{slack}/T{_upper(9)}/B{_upper(9)}/{_letters(24)}",
        "slack_alerts_url": f"{slack}/T{_upper(9)}/B{_upper(9)}/{_letters(24)}",
        "discord_ops_url": "https://discord.com/api/webhooks/"
        f"{10**17 + secrets.randbelow(10**17)}/{_letters(68)}",
        "webhook_ticket_url": f"https://tickets.softfactory.io/hooks/{_letters(32)}",
        "webhook_heartbeat_url": f"https://heartbeat.softfactory.io/{_letters(32)}",
        "smtp_password": _letters(16),
    }
    for name, value in found.items():
        path = directory / name
        path.touch(mode=0o600)
        path.write_text(f"{value}\n")


def _letters(count: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(count))


def _upper(count: int) -> str:
    return "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(count))


@contextmanager
def a_house(
    directory: Path,
    tools: Tools,
    *,
    down: int = 0,
    retention: str = KEPT,
    environment: Mapping[str, str] | None = None,
) -> Iterator[House]:
    """Run a service, a Prometheus and an Alertmanager that know each other, until all is up.

    Prometheus scrapes `down` more instances at addresses where nothing answers.
    """
    files = production_files()
    with ExitStack() as running:
        processes = running.enter_context(Processes())
        places = [running.enter_context(reserve()) for _ in range(3 + down)]
        service, prometheus, alertmanager, *dead = places
        receivers = running.enter_context(Receivers(directory / "doubles", lambda _delivery: None))
        pid = serve(processes, directory, service, environment or {})
        rules = directory / "alert-rules.yml"
        rules.write_text(often(files.rules.read_text(encoding="utf-8")))
        routing = directory / "alertmanager-config.yml"
        derived = derive_alertmanager(
            files.alertmanager.read_text(encoding="utf-8"),
            source=files.alertmanager.name,
            directory=files.alertmanager.parent,
            k=60,
            run=RunAddresses(
                prometheus_targets_glob=directory / "none",
                prometheus=prometheus.address,
                alertmanager=alertmanager.address,
                pagerduty_url=receivers.pagerduty_url,
                smtp_smarthost=receivers.smtp_smarthost,
                smtp_ca_file=receivers.smtp_ca_file,
                secrets_directory=directory / "doubles",
            ),
        )
        routing.write_text(derived.text)
        stack = running.enter_context(
            MonitoringStack(
                Local.of(processes, tools),
                Setup(
                    prometheus_yaml=PROMETHEUS.format(
                        services=", ".join(f"'{one.address}'" for one in (service, *dead)),
                        prometheus=prometheus.address,
                        alertmanager=alertmanager.address,
                    ),
                    rules_yaml=rules.read_text(),
                    alertmanager_yaml=derived.text,
                    prometheus_flags=(retention, FEATURES, RESEND),
                    directory=directory / "stack",
                    prometheus_place=prometheus,
                    alertmanager_place=alertmanager,
                ),
            )
        )
        _give_past(tools, stack.prometheus_data)
        stack.start_alertmanager()
        _wait_serving(f"http://{service.address}")
        stack.start_prometheus()
        real_secrets(directory / "secrets")
        house = House(
            directory=directory,
            service_url=f"http://{service.address}",
            prometheus_url=stack.endpoints.prometheus_url,
            alertmanager_url=stack.endpoints.alertmanager_url,
            rules=rules,
            routing=routing,
            secrets=directory / "secrets",
            service_pid=pid,
            receivers=receivers,
            processes=processes,
        )
        stack.wait_ready(READY_SECONDS)
        wait_settled(house, up=3)
        yield house


@contextmanager
def with_logs(house: House) -> Iterator[str]:
    """Run an Elasticsearch to which the service's log is shipped, and yield its URL."""
    home = find_elasticsearch(ToolSettings.from_env(), print)
    directory = house.directory / "elasticsearch"
    with (
        reserve() as place,
        EmbeddedElasticsearch(
            home, directory, house.processes, place.port, heap_mb=HEAP_MB
        ) as node,
    ):
        node.start()
        node.wait_ready(120.0)
        set_up(node)
        log = house.log_directory / "app.log"
        argv = [sys.executable, "-m", "stack.logs", "ship", str(log)]
        house.processes.start(
            "shipper",
            [*argv, "--state-directory", str(house.directory / "shipper")],
            log=house.directory / "shipper.log",
            env={**os.environ, "ELASTICSEARCH_URL": node.url},
        )
        yield node.url
        house.processes.stop("shipper")


def serve(
    processes: Processes, directory: Path, place: Reservation, environment: Mapping[str, str]
) -> int:
    """Start the demo service without waiting; return the first process' id."""
    directory.mkdir(parents=True, exist_ok=True)
    settings = {
        "DATABASE_URL": f"sqlite:///{directory / 'softfactory.sqlite3'}",
        "INSTRUMENT_LOG_FILE": str(directory / "logs" / "app.log"),
        "BACKUP_DIR": str(directory / "backups"),
        **environment,
    }
    argv = [sys.executable, "-m", "instrumentation.demo", "serve", "--port", str(place.port)]
    started = processes.start(
        "service", argv, log=directory / "service.log", env={**os.environ, **settings}
    )
    return started.pid


def _give_past(tools: Tools, data: Path) -> None:
    """Let the service have been there for six hours, as often looked at as from now on.

    Until its first scrape, five seconds from its start, a Prometheus takes all for down: of an hour
    that is nothing, and of a database that is empty all of the budget.
    """
    labels = {"slo": "availability", "service": "softfactory"}
    now = datetime.now(UTC)
    backfill(
        tools.promtool.command,
        [
            PastSeries(name="softfactory:slo_bad:rate", labels=labels, value=0.0),
            PastSeries(name="softfactory:slo_total:rate", labels=labels, value=1.0),
        ],
        data=data,
        start=now - timedelta(hours=6),
        end=now - timedelta(seconds=1),
        step=EVERY,
    )


def often(rules: str) -> str:
    """Return rules whose groups are all evaluated as often as the configuration says."""
    return re.sub(r"^    interval: .*\n", "", rules, flags=re.MULTILINE)


def _wait_serving(url: str) -> None:
    def serves() -> bool:
        return requests.get(f"{url}/api/metrics/ready", timeout=5).ok

    wait_until(
        serves,
        what="the service",
        timeout_seconds=READY_SECONDS,
        interval_seconds=0.1,
        retry_on=(requests.RequestException,),
    )


def wait_settled(house: House, *, up: int) -> None:
    """Wait until all is scraped and evaluated, and the alert that always fires got through."""
    prometheus = PrometheusClient(house.prometheus_url)
    alertmanager = AlertmanagerClient(house.alertmanager_url)

    def settled() -> bool:
        targets = prometheus.targets()
        healthy = [one for one in targets if one.health == "up"]
        if len(healthy) < up or any(one.health == "unknown" for one in targets):
            raise NotYet(f"{len(healthy)} of {up} targets are up")
        requests.get(f"{house.service_url}/api/users", timeout=5)
        if any(one.health != "ok" for one in prometheus.rules().rules):
            raise NotYet("not every rule was evaluated")
        if not prometheus.query("softfactory:slo_budget_remaining:ratio"):
            raise NotYet("no budget was recorded")
        held = {one.labels["alertname"] for one in alertmanager.alerts()}
        if "Watchdog" not in held:
            raise NotYet(f"Alertmanager holds {held}")
        return True

    wait_until(
        settled,
        what="the deployment to be well",
        timeout_seconds=READY_SECONDS,
        interval_seconds=0.25,
        retry_on=(requests.RequestException,),
    )
