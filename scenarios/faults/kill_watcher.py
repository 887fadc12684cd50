"""Prometheus or Alertmanager is killed, and with it the way by which anybody would be told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from signal import SIGKILL

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.watching import watchers_of
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class KillWatcher:
    """Kill ``component`` with SIGKILL; the repair starts it again on what it has stored."""

    component: str
    downtime: bool = True

    @property
    def text(self) -> str:
        """What is broken."""
        return f"{self.component} is killed"

    def effect(self, load: Load, service: Service) -> Effect:
        """No signal of a rule: what bounds this is the heartbeat's (`scenarios.heartbeat`)."""
        return Effect()

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Kill it until the context ends, which waits until it is ready again.

        The kernel is the witness: it tells the status with which the process has ended.
        """
        watchers = watchers_of(target)
        with watchers.without(self.component, SIGKILL):
            status = watchers.stack.process(self.component).poll()
            yield Witness.now(f"{self.component} has ended with status {status}")
