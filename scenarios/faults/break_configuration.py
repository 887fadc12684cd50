"""A configuration that can't be loaded is pushed, as an operator does it: written, then SIGHUP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from signal import SIGHUP
from typing import Literal

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, FaultDidNotBite, Witness
from scenarios.faults.process import witnessed
from scenarios.faults.watching import LogTail, load_again, watchers_of
from scenarios.target import Target
from scenarios.watchers import Watchers
from stack.clients.alertmanager import AlertmanagerClient
from stack.clients.prometheus import PrometheusClient
from stack.waiting import wait_until

Component = Literal["prometheus", "alertmanager"]

MISSPELT = "\nglobl: {}\n"
"""A key that neither knows. The rest of the file stays right."""

# What each says of a file that it could not load.
_REFUSED = {
    "prometheus": "Error reloading config",
    "alertmanager": "Loading configuration file failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakConfiguration:
    """Add a misspelt key to the configuration of ``of`` and tell it to reload."""

    of: Component
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return f"{self.of} is told to reload a configuration with a misspelt key"

    def effect(self, load: Load, service: Service) -> Effect:
        """The gauge changes with the reload: the next scrape sees it."""
        return Effect()

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Push the broken file; the end of the context pushes the old one.

        The witness: the watcher says in its log that it refused the file, and when asked what it
        runs on, answers with the old one.
        """
        watchers = watchers_of(target)
        log = LogTail(watchers.log(self.of))
        before = _in_force(watchers, self.of)
        name = watchers.configuration(self.of)
        try:
            with watchers.rewritten(name, watchers.read(name) + MISSPELT):
                watchers.send(self.of, SIGHUP)
                seen = witnessed(
                    target,
                    lambda: bool(log.line_with(_REFUSED[self.of])),
                    f"{self.of} logs that it can't load its configuration, and runs on the old one",
                )
                if _in_force(watchers, self.of) != before:
                    raise FaultDidNotBite(f"{self.of} runs on the broken configuration")
                yield seen
        finally:
            _let_finish(target, AlertmanagerClient(watchers.stack.endpoints.alertmanager))
            load_again(target, self.of)


def _let_finish(target: Target, alertmanager: AlertmanagerClient) -> None:
    """Wait until no notification is on its way: a reload cuts it off, and it is sent again."""
    wait_until(
        lambda: alertmanager.notification_counters().on_their_way == 0,
        what="Alertmanager to have no notification on its way",
        timeout_seconds=target.patience_seconds,
    )


def _in_force(watchers: Watchers, component: Component) -> str:
    endpoints = watchers.stack.endpoints
    if component == "prometheus":
        return PrometheusClient(endpoints.prometheus).configuration()
    return AlertmanagerClient(endpoints.alertmanager).status().config_yaml
