"""The service is restarted, once as a deploy does, or again and again as a crash loop does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import witnessed
from scenarios.target import Target
from stack.waiting import wait_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """Kill the service and start it at once, ``times`` times; each start is scraped."""

    times: int
    downtime: bool = True

    @property
    def text(self) -> str:
        """What is broken."""
        return f"the service is restarted {self.times} times"

    def effect(self, load: Load, service: Service) -> Effect:
        """All restarts must lie in one window; the last of them is the witness."""
        return Effect(level=None, fills=0.0)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Restart the service; the kernel shows a new process each time. There is no repair."""
        seen = set()
        for _ in range(self.times):
            before = target.instance.fleet.pid_of(target.instance.id)
            seen.add(before)
            target.instance.kill()
            witnessed(target, lambda: not target.instance.processes(), "no process is left")
            target.instance.start()
            target.instance.wait_serving(target.patience_seconds)
            _served_for_a_while(target)
        yield witnessed(
            target,
            lambda: target.instance.fleet.pid_of(target.instance.id) not in seen,
            f"the service runs as another process for the {self.times}. time",
        )


def _served_for_a_while(target: Target) -> None:
    """Wait until clients were served for long enough that a scrape has seen the new process."""
    begun = target.client.now()
    wait_until(
        lambda: len(target.client.since(begun)) > SAMPLES_BETWEEN or None,
        what=f"clients of {target.id} to be served after a restart",
        timeout_seconds=target.patience_seconds,
        interval_seconds=0.05,
    )


SAMPLES_BETWEEN = 3
"""Samples of the load, four a second as the scrapes are."""
