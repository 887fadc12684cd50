"""A stack that somebody else started: it is told what to read, and asked whether it has.

Design rule: nothing is started or ended here. What the run needs is written into the folder that
the engine reads, and taken out of it when the run ends.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import IO, Self

import requests

from stack.clients.alertmanager import AlertmanagerClient, AlertmanagerError
from stack.clients.prometheus import PrometheusClient, PrometheusError, RulesSnapshot
from stack.clients.server import Server
from stack.derive import Derived
from stack.drill_files import ALERTMANAGER_CONFIG, PROMETHEUS_CONFIG, RULES
from stack.durations import format_duration
from stack.endpoints import Endpoints
from stack.external.folder import IDLE, FolderRefused
from stack.external.model import External
from stack.launch.monitoring import MonitoringStack, Setup
from stack.launch.premises import Premises
from stack.launch.starting import LaunchError
from stack.rules import load_rules
from stack.waiting import NotYet, WaitTimeout, wait_until

__all__ = ["ExternalStack"]

RELOAD_SECONDS = 10.0
"""How long a reload may take to be answered; it takes a few milliseconds."""


class Elsewhere:
    """What a part is that this run did not start: `stack.launch.premises.Running`."""

    stdin: IO[bytes] | None = None
    stdout: IO[bytes] | None = None

    @property
    def pid(self) -> int:
        """Raise `LaunchError`: it is no process of this run, and perhaps none of this machine."""
        raise LaunchError("an external engine is no process of this run")

    def poll(self) -> int | None:
        """Return None: whoever started it knows whether it has ended."""
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Raise `LaunchError`: it is not this run's to wait for."""
        raise LaunchError("an external engine is not ended by a run, so nothing waits for its end")

    def send_signal(self, sig: int, /) -> None:
        """Raise `LaunchError`: it is not this run's to signal."""
        raise LaunchError("an external engine is not this run's to signal")


class ExternalStack(MonitoringStack):
    """`MonitoringStack` of an engine that runs already and reads `external.folder`."""

    def __init__(self, external: External, premises: Premises, setup: Setup) -> None:
        super().__init__(premises, setup)
        if external.folder is None:
            raise LaunchError("--stack=external drills only with --external-folder")
        self.external = external
        self._folder = external.folder
        self._held = ExitStack()
        self._before = IDLE
        self._loaded = setup.rules_yaml

    @property
    def endpoints(self) -> Endpoints:
        """Where the engine is read."""
        return Endpoints(
            prometheus=self.external.prometheus,
            alertmanager=self.external.alertmanager,
            rules=self.external.rules,
        )

    def begin_clean(self, services: Collection[str]) -> None:
        """Let the engine forget services of an earlier run that were called the same.

        Raises:
            LaunchError: it does not.
        """
        try:
            PrometheusClient(self.external.prometheus).forget(
                f'{{service=~"{"|".join(services)}"}}'
            )
            AlertmanagerClient(self.external.alertmanager).lift_silences(services)
        except (PrometheusError, AlertmanagerError) as error:
            raise LaunchError(f"the external stack can't begin clean: {error}") from error

    def load_rules(self, rules_yaml: str) -> None:
        """Have the engine evaluate other rules; it reads them when it gets to it.

        Raises:
            LaunchError: it refuses them.
        """
        self._loaded = rules_yaml
        self._publish(RULES, rules_yaml)
        self._reload(self.external.rules)

    def check_loaded(self, rules: RulesSnapshot, derived: Derived) -> None:
        """See that the rules that were read are those of the folder, evaluated often enough.

        Raises:
            NotYet: they are not, which whoever waits then tells.
        """
        wanted = {rule.name for rule in load_rules(self._loaded).alerts}
        found = {rule.name for rule in rules.rules}
        if odd := sorted(wanted ^ found):
            raise NotYet(
                f"{self.external.rules.url} does not evaluate the rules in"
                f" {self._folder.path / RULES} ({', '.join(odd[:3])} in only one of the two): does"
                " it read that file, and again when asked to by POST /-/reload?"
            )
        every = max((rule.every_seconds for rule in rules.rules), default=0.0)
        wanted_every = derived.evaluation_interval
        if every > wanted_every.total_seconds():
            raise NotYet(
                f"{self.external.rules.url} evaluates every {every:g} s, and at time scale"
                f" {derived.time_scale:g} it must every {format_duration(wanted_every)}: vmalert"
                f" -evaluationInterval={format_duration(wanted_every)}"
            )

    def start_both(self) -> None:
        """Give both what is theirs. Raises `LaunchError` where one does not take it."""
        self.start_prometheus()
        self.start_alertmanager()

    def start_prometheus(self) -> Elsewhere:
        """Give the engine what to scrape, and the rules to begin with.

        Raises:
            LaunchError: it does not take them.
        """
        self._publish(RULES, self._loaded)
        self._publish(PROMETHEUS_CONFIG, self._written(PROMETHEUS_CONFIG))
        for server in dict.fromkeys((self.external.prometheus, self.external.rules)):
            self._reload(server)
        return Elsewhere()

    def start_alertmanager(self) -> Elsewhere:
        """Give Alertmanager the run's routes and receivers.

        Raises:
            LaunchError: it does not take them.
        """
        self._publish(ALERTMANAGER_CONFIG, self._written(ALERTMANAGER_CONFIG))
        self._reload(self.external.alertmanager)
        return Elsewhere()

    def process(self, component: str) -> Elsewhere:
        """Return what stands for the process of a component."""
        return Elsewhere()

    def wait_ready(self, timeout: float) -> None:
        """Wait until each says that it is ready, and Alertmanager has loaded this run's routes.

        Raises:
            LaunchError: not within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        external = self.external
        servers = (external.prometheus, external.rules, external.alertmanager)
        try:
            for server in dict.fromkeys(servers):
                wait_until(
                    partial(_answers, server),
                    what=f"{server.url}/-/ready to answer 200",
                    timeout_seconds=max(0.0, deadline - time.monotonic()),
                    retry_on=(requests.RequestException,),
                )
            wait_until(
                self._routes_loaded,
                what=f"{external.alertmanager.url} to have loaded this run's routes",
                timeout_seconds=min(RELOAD_SECONDS, max(0.0, deadline - time.monotonic())),
                retry_on=(AlertmanagerError,),
            )
        except WaitTimeout as late:
            raise LaunchError(f"the external stack is not ready: {late}") from late

    def stop(self) -> None:
        """Put back what stood in the folder, at last what watches nothing and tells nobody.

        Raises:
            LaunchError: it did not take that, and still drills with what is gone.
        """
        failed = []
        with self._held:
            for name, text in self._before.items():
                try:
                    self._publish(name, text)
                except LaunchError as error:  # the others must be put back all the same
                    failed.append(error)
            external = self.external
            servers = (external.rules, external.prometheus, external.alertmanager)
            failed += [left for one in dict.fromkeys(servers) if (left := self._refusal(one))]
        if failed:
            raise LaunchError(f"the external stack still drills with what is gone: {failed[0]}")

    def __enter__(self) -> Self:
        self.write_configs()  # before the folder is held: what fails here must not keep it
        try:
            self._folder.check()
            self._before = self._held.enter_context(self._folder.held())
        except (FolderRefused, OSError) as error:
            raise LaunchError(f"--external-folder: {error}") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _written(self, name: str) -> str:
        return (self.directory / name).read_text(encoding="utf-8")

    def _publish(self, name: str, text: str) -> None:
        try:
            self._folder.publish(name, text)
        except OSError as error:
            raise LaunchError(f"--external-folder: {error}") from error

    def _routes_loaded(self) -> bool:
        loaded = AlertmanagerClient(self.external.alertmanager).status().config_yaml
        if str(self.directory) not in loaded:
            raise NotYet(
                f"it runs with other routes than {self._folder.path / ALERTMANAGER_CONFIG}: start"
                " it with that as its --config.file"
            )
        return True

    def _refusal(self, server: Server) -> LaunchError | None:
        try:
            self._reload(server)
        except LaunchError as error:
            return error
        return None

    def _reload(self, server: Server) -> None:
        url = f"{server.url}/-/reload"
        try:
            with server.session() as session:
                response = session.post(url, timeout=RELOAD_SECONDS)
        except requests.RequestException as error:
            raise LaunchError(f"{url} did not answer: {error}") from error
        if not response.ok:
            said = " ".join(response.text.split())[:300]
            hint = (
                "; start Prometheus with --web.enable-lifecycle"
                if response.status_code in (requests.codes.forbidden, requests.codes.not_allowed)
                else ""
            )
            raise LaunchError(f"{url} answered {response.status_code}: {said}{hint}")


def _answers(server: Server) -> bool:
    with server.session() as session:
        response = session.get(f"{server.url}/-/ready", timeout=RELOAD_SECONDS)
    if response.status_code != requests.codes.ok:
        raise NotYet(f"status {response.status_code}")
    return True
