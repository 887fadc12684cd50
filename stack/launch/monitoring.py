"""Prometheus and Alertmanager, started on the premises of a run.

Design rule: starting never waits, so that the caller does its other work while the two come up;
`wait_ready` is the one place that waits, and it ends at once if either of the two does.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from stack.clients.prometheus import RulesSnapshot
from stack.clients.server import Server
from stack.derive import Derived
from stack.drill_files import ALERTMANAGER_CONFIG, PROMETHEUS_CONFIG, RULES
from stack.endpoints import Endpoints
from stack.launch.premises import Part, Premises, Program, Running
from stack.launch.starting import wait_answering
from stack.ports import Place
from stack.readiness import answers_ready
from stack.replacing import replace_text

__all__ = ["MonitoringStack", "Setup"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a Prometheus and an Alertmanager are started with.

    Attributes:
        prometheus_yaml: which names the rules `alert-rules.yml`, as they lie beside it.
        rules_yaml: the rules to begin with.
        prometheus_flags, alertmanager_flags: every flag but those for storage paths, listen
            addresses and configuration files.
        directory: below which they write everything.
        name_prefix: what tells them from others on the same premises.
    """

    prometheus_yaml: str
    rules_yaml: str
    alertmanager_yaml: str
    directory: Path
    prometheus_place: Place
    alertmanager_place: Place
    prometheus_flags: Sequence[str] = ()
    alertmanager_flags: Sequence[str] = ()
    name_prefix: str = ""


class MonitoringStack:
    """One Prometheus and one Alertmanager, with everything they write below one folder.

    A context manager: entering writes the three configuration files and starts nothing, leaving
    ends both.
    """

    def __init__(self, premises: Premises, setup: Setup) -> None:
        self._premises = premises
        self._files = {
            PROMETHEUS_CONFIG: setup.prometheus_yaml,
            RULES: setup.rules_yaml,
            ALERTMANAGER_CONFIG: setup.alertmanager_yaml,
        }
        self._prometheus_flags = tuple(setup.prometheus_flags)
        self._alertmanager_flags = tuple(setup.alertmanager_flags)
        self._directory = setup.directory.absolute()
        self._places = {
            "prometheus": setup.prometheus_place,
            "alertmanager": setup.alertmanager_place,
        }
        self._name_prefix = setup.name_prefix
        self._running: dict[str, Running] = {}

    @property
    def endpoints(self) -> Endpoints:
        """Where the two are read; known before either runs."""
        return Endpoints(
            prometheus=Server(url=f"http://{self._places['prometheus'].address}"),
            alertmanager=Server(url=f"http://{self._places['alertmanager'].address}"),
        )

    @property
    def directory(self) -> Path:
        """Where configuration, storage and logs lie."""
        return self._directory

    @property
    def prometheus_data(self) -> Path:
        """Where Prometheus keeps its samples; whoever makes a past for it writes there first."""
        return self._directory / "prometheus"

    def write_configs(self) -> None:
        """Write the three configuration files, for `check_configs` or for a start."""
        self._directory.mkdir(parents=True, exist_ok=True)
        for name, content in self._files.items():
            (self._directory / name).write_text(content, encoding="utf-8")

    def load_rules(self, rules_yaml: str) -> None:
        """Have the running Prometheus evaluate other rules; it reads them when it gets to it.

        Whoever needs to know looks at its rules.
        """
        path = self._directory / RULES
        replace_text(path, rules_yaml)
        self._running["prometheus"].send_signal(signal.SIGHUP)

    def begin_clean(self, services: Collection[str]) -> None:
        """Do nothing: what this run started knows of no earlier one."""

    def check_loaded(self, rules: RulesSnapshot, derived: Derived) -> None:
        """Do nothing: what this run started evaluates what it was given, as often as it says."""

    def start_both(self) -> None:
        """Start both together without waiting. Raises what its premises raise if one runs."""
        parts = [self._part("prometheus"), self._part("alertmanager")]
        prometheus, alertmanager = self._premises.start_together(parts)
        self._running |= {"prometheus": prometheus, "alertmanager": alertmanager}

    def start_prometheus(self) -> Running:
        """Start Prometheus without waiting. It may be started again once it has ended.

        Raises what its premises raise if it runs already.
        """
        return self._start("prometheus")

    def start_alertmanager(self) -> Running:
        """Start Alertmanager, as a cluster of one, without waiting. It may be started again.

        Raises what its premises raise if it runs already.
        """
        return self._start("alertmanager")

    def start(self, component: str) -> Running:
        """Start `prometheus` or `alertmanager`, for the first time or again, without waiting.

        Raises what its premises raise if it runs already.
        """
        starts = {"prometheus": self.start_prometheus, "alertmanager": self.start_alertmanager}
        return starts[component]()

    def process(self, component: str) -> Running:
        """Return what runs as `prometheus` or `alertmanager`, which was started."""
        return self._running[component]

    def wait_ready(self, timeout: float) -> None:
        """Wait until every component that was started answers 200 at /-/ready.

        Raises `LaunchError` when one ends instead, or is not ready after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        for component, process in self._running.items():
            self._wait_component(component, process, max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        """End both, gracefully and at the same time. Their files stay."""
        names = [self._name_prefix + component for component in self._running]
        self._premises.stop(*names)
        self._running.clear()

    def __enter__(self) -> Self:
        self.write_configs()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(self, component: Program) -> Running:
        process = self._premises.start(self._part(component))
        self._running[component] = process
        return process

    def _part(self, component: Program) -> Part:
        own = {
            "prometheus": (
                f"--config.file={self._directory / PROMETHEUS_CONFIG}",
                f"--storage.tsdb.path={self.prometheus_data}",
                "--web.enable-admin-api",  # a run forgets the services that it takes away
                *self._prometheus_flags,
            ),
            "alertmanager": (
                f"--config.file={self._directory / ALERTMANAGER_CONFIG}",
                f"--storage.path={self._directory / 'alertmanager'}",
                "--cluster.listen-address=",
                *self._alertmanager_flags,
            ),
        }
        return Part(
            name=self._name_prefix + component,
            program=component,
            arguments=(f"--web.listen-address={self._places[component].address}", *own[component]),
            log=self._log(component),
            directory=self._directory,
        )

    def _log(self, component: str) -> Path:
        return self._directory / f"{component}.log"

    def _wait_component(self, component: str, process: Running, timeout_seconds: float) -> None:
        place = self._places[component]

        wait_answering(
            component,
            process,
            lambda: answers_ready(place.port, host=place.host),
            where=place.address,
            log=self._log(component),
            timeout_seconds=timeout_seconds,
        )
