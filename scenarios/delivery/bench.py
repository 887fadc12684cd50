"""A Prometheus whose alerts fire when told, one or two Alertmanagers, and all receivers.

One rule: everything but the alerts' expressions is production's, with its times divided. Prometheus
sends the alerts itself, again and again as in production, so that what is lost on the way is sent
by nobody else.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from signal import SIGHUP, Signals
from subprocess import Popen
from typing import Self

from scenarios.delivery.evidence import Alert, Evidence, Recorded
from scenarios.delivery.recorder import FEATURE, EventLog, settings
from stack.clients.alertmanager import AlertmanagerClient, AlertmanagerError
from stack.clients.prometheus import PrometheusClient, PrometheusError
from stack.derive import Derived, Mute, RunAddresses, derive
from stack.drill_files import RULES
from stack.go_runtime import frugal_environment
from stack.ports import LOOPBACK, reserve
from stack.processes import Processes
from stack.production import Production
from stack.receivers import Delivery, Receivers
from stack.replacing import replace_text
from stack.tools import Tools
from stack.waiting import wait_until
from stack.yamlfile import read_yaml, write_yaml

READY_SECONDS = 40.0
"""How long all of it may take; Prometheus finds its Alertmanager at a tick of five seconds."""

PATIENCE_SECONDS = 30.0
"""How long anything else is waited for; Alertmanager's own attempts take ten."""

PEER_TIMEOUT = "--cluster.peer-timeout"
PEER_SECONDS = 1
"""How long the second of a cluster waits for the first: five of the gossip intervals (200 ms) in
which it would hear of it, which no time scale divides."""


class Bench:
    """Enter it to have everything up and no alert firing; leave it to end all of it."""

    def __init__(
        self,
        tools: Tools,
        production: Production,
        directory: Path,
        *,
        time_scale: float,
        severity: str = "CRITICAL",
        alertmanagers: int = 1,
        mute: Mute = "never",
    ) -> None:
        """Prepare a bench below ``directory`` with production's times divided by ``time_scale``.

        ``severity`` is that of the alert whose route sets the pace.
        """
        self.directory = directory
        self.marks: dict[str, float] = {}
        self.counts: dict[str, float] = {}
        self._tools = tools
        self._production = production
        self._scale = time_scale
        self._severity = severity
        self._number = alertmanagers
        self._mute = mute
        self._logs = [EventLog(self._events(number)) for number in range(alertmanagers)]
        self._firing: dict[Alert, bool] = {}
        self._running = ExitStack()
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._start(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def _start(self, running: ExitStack) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.receivers = running.enter_context(
            Receivers(self.directory / "secrets", lambda delivery: self._wake())
        )
        self._processes = running.enter_context(Processes())
        web, *ams = [running.enter_context(reserve()).port for _ in range(1 + self._number)]
        self._cluster = [running.enter_context(reserve()).port for _ in ams]
        self._ports = ams
        self.derived = self.derive(self._mute, web)
        (self.directory / "prometheus.yml").write_text(self._to_all(self.derived.prometheus_yaml))
        self._write_rules()
        self._alertmanagers: list[Popen[bytes]] = []
        for number in range(self._number):
            self.configure(number, self.derived)
            self._alertmanagers.append(self._start_alertmanager(number))
        self._prometheus = self._processes.start(
            "prometheus",
            [
                *self._tools.prometheus.command,
                f"--config.file={self.directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.directory / 'prometheus'}",
                f"--web.listen-address={LOOPBACK}:{web}",
                *self.derived.prometheus_flags,
            ],
            log=self.directory / "prometheus.log",
            env=frugal_environment(),
        )
        self.prometheus = PrometheusClient(f"http://{LOOPBACK}:{web}")
        wait_until(
            lambda: self.prometheus.active_alertmanagers() == self._number,
            what="Prometheus to know every Alertmanager",
            timeout_seconds=READY_SECONDS,
            interval_seconds=0.1,
            retry_on=(PrometheusError,),
        )
        for number in range(self._number):
            self._wait_ready(number)

    def derive(self, mute: Mute, web: int) -> Derived:
        """Return production's configuration for this bench, with that calendar."""
        return derive(
            self._production,
            time_scale=self._scale,
            groups=(),
            run=RunAddresses(
                prometheus_targets_glob=self.directory / "targets" / "*.yml",
                prometheus=f"{LOOPBACK}:{web}",
                alertmanager=f"{LOOPBACK}:{self._ports[0]}",
                pagerduty_url=self.receivers.pagerduty_url,
                smtp_smarthost=self.receivers.smtp_smarthost,
                smtp_ca_file=self.receivers.smtp_ca_file,
                secrets_directory=self.directory / "secrets",
            ),
            mute=mute,
        )

    def configure(self, number: int, derived: Derived) -> None:
        """Write one Alertmanager's configuration, with the recorder of its reasons."""
        text = derived.alertmanager_yaml + settings(self._events(number))
        (self.directory / f"alertmanager-{number}.yml").write_text(text)

    def unmute(self) -> None:
        """Let the calendar never mute from now on."""
        web = int(self.prometheus.url.rpartition(":")[2])
        self.configure(0, self.derive("never", web))
        self._alertmanagers[0].send_signal(SIGHUP)

    def _to_all(self, text: str) -> str:
        """Let Prometheus send to every Alertmanager of the bench."""
        document = read_yaml(text, "prometheus.yml")
        (one,) = document["alerting"]["alertmanagers"]
        one["static_configs"][0]["targets"] = [f"{LOOPBACK}:{port}" for port in self._ports]
        return write_yaml(document)

    def _start_alertmanager(self, number: int) -> Popen[bytes]:
        cluster = ["--cluster.listen-address="]
        if self._number > 1:
            peers = [port for port in self._cluster if port != self._cluster[number]]
            cluster = [f"--cluster.listen-address={LOOPBACK}:{self._cluster[number]}"]
            cluster += [f"--cluster.peer={LOOPBACK}:{port}" for port in peers]
        return self._processes.start(
            f"alertmanager-{number}",
            [
                *self._tools.alertmanager.command,
                f"--config.file={self.directory / f'alertmanager-{number}.yml'}",
                f"--storage.path={self.directory / f'alertmanager-{number}'}",
                f"--web.listen-address={LOOPBACK}:{self._ports[number]}",
                FEATURE,
                *cluster,
                *(one for one in self.derived.alertmanager_flags if PEER_TIMEOUT not in one),
                f"{PEER_TIMEOUT}={PEER_SECONDS}s",
            ],
            log=self.directory / f"alertmanager-{number}.log",
            env=frugal_environment(),
        )

    def alertmanager(self, number: int = 0) -> AlertmanagerClient:
        """Return a reader of one Alertmanager."""
        return AlertmanagerClient(f"http://{LOOPBACK}:{self._ports[number]}")

    def _wait_ready(self, number: int) -> None:
        client = self.alertmanager(number)
        wanted = "disabled" if self._number == 1 else "ready"
        wait_until(
            lambda: client.status().cluster == wanted,
            what=f"Alertmanager {number} to be ready; look: {self.directory}/alertmanager-*.log",
            timeout_seconds=READY_SECONDS,
            interval_seconds=0.1,
            retry_on=(AlertmanagerError,),
        )

    def end(self, number: int, how: Signals) -> None:
        """End one Alertmanager with a signal, and wait until it has ended."""
        self.mark(f"ended {number}")
        self._alertmanagers[number].send_signal(how)
        self._alertmanagers[number].wait(PATIENCE_SECONDS)

    def start_again(self, number: int) -> None:
        """Start an Alertmanager again on what it has stored, and wait until it is ready."""
        self._alertmanagers[number] = self._start_alertmanager(number)
        self._wait_ready(number)
        self.mark(f"started {number}")

    def let_finish(self, number: int = 0) -> None:
        """Wait until no notification of one Alertmanager is on its way."""
        client = self.alertmanager(number)
        wait_until(
            lambda: client.notification_counters().on_their_way == 0,
            what="Alertmanager to have no notification on its way",
            timeout_seconds=PATIENCE_SECONDS,
        )

    def mark(self, what: str) -> None:
        """Note when something was done or seen."""
        self.marks[what] = time.time()

    def fire(self, *alerts: Alert) -> None:
        """Let these alerts fire, beside those that do."""
        self._firing |= dict.fromkeys(alerts, True)
        self._reload_rules()

    def resolve(self, *alerts: Alert) -> None:
        """Let these alerts end."""
        self._firing |= dict.fromkeys(alerts, False)
        self._reload_rules()

    def _reload_rules(self) -> None:
        self._write_rules()
        self._prometheus.send_signal(SIGHUP)

    def _write_rules(self) -> None:
        rules = [
            {
                "alert": alert.name,
                "expr": "vector(1) > 0" if fires else "vector(1) < 0",
                "labels": {
                    "severity": alert.severity,
                    "service": alert.service,
                    "category": "bench",
                    **({"instance": alert.instance} if alert.instance else {}),
                },
                "annotations": {
                    "summary": f"a trial of {alert.name}",
                    "description": "Raised on purpose.",
                    "action": "nothing, it is a trial",
                    "runbook_url": f"https://example.org/{alert.name}.md",
                },
            }
            for alert, fires in self._firing.items()
        ]
        text = json.dumps({"groups": [{"name": "bench", "rules": rules}]})
        replace_text(self.directory / RULES, text)

    def wait_for(self, seen: Callable[[Evidence], bool], what: str, seconds: float = 0.0) -> None:
        """Wait until what was seen so far is enough.

        Raises:
            WaitTimeout: it was not within ``seconds``, by default ``PATIENCE_SECONDS``.
        """
        wait_until(
            lambda: seen(self.evidence()) or None,
            what=f"{what}; look: {self.directory}",
            timeout_seconds=seconds or PATIENCE_SECONDS,
            interval_seconds=0.05,
        )

    def watch(self, for_: timedelta) -> None:
        """Let time pass in which whatever should not come could come."""
        with self._changed:
            deadline = time.monotonic() + for_.total_seconds()
            while (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def route(self, severity: str) -> tuple[timedelta, timedelta]:
        """Return the group and repeat interval of a severity's route."""
        (route, *_) = self.derived.route_tree.route_for({"severity": severity, "alertname": "Any"})
        return route.group_interval, route.repeat_interval

    @property
    def pace(self) -> timedelta:
        """The group interval of the route that the trial is about."""
        return self.route(self._severity)[0]

    def evidence(self) -> Evidence:
        """Return what was seen until now."""
        deliveries: list[Delivery] = self.receivers.deliveries
        recorded: list[Recorded] = []
        for log in self._logs:
            recorded += log.events()
        interval, repeat = self.route(self._severity)
        return Evidence(
            deliveries=tuple(deliveries),
            recorded=tuple(sorted(recorded, key=lambda one: one.at)),
            marks=dict(self.marks),
            counts=dict(self.counts),
            interval=interval,
            repeat=repeat,
        )

    def _events(self, number: int) -> Path:
        return self.directory / f"events-{number}.jsonl"
