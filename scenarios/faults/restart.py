"""The service is restarted, once as a deploy does, or again and again as a crash loop does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from scenarios.conditions import Load, Service, steady
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import witnessed
from scenarios.service import ServiceFailed
from scenarios.target import Target
from stack.clients.prometheus import PrometheusError
from stack.waiting import wait_until

SAMPLES_BETWEEN = 3
"""Samples of the load, four a second as the scrapes are."""

CROWD = steady(per_second=4)
"""So many clients that each of those samples has one, and no life lasts longer than it must."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """Kill the service and start it at once, ``times`` times; each start is scraped.

    Where they are to be counted, all must lie ``within`` so much of production's time.
    """

    times: int
    within: timedelta | None = None
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
        """Restart the service; the kernel shows a new process each time. There is no repair.

        Raises:
            ServiceFailed: a start failed, or all took too long to be counted together.
        """
        begun = time.monotonic()
        seen = {restarted(target) for _ in range(self.times)}
        took = time.monotonic() - begun
        if self.within:
            in_time(target, self.times, took, most=self.within.total_seconds() / target.time_scale)
        yield witnessed(
            target,
            lambda: target.instance.fleet.pid_of(target.instance.id) not in seen,
            f"the service runs as another process for the {self.times}. time",
        )


def in_time(target: Target, times: int, took: float, *, most: float) -> None:
    """Let restarts that took longer than ``most`` seconds in all end the drill: none is to blame.

    Raises:
        ServiceFailed: they did.
    """
    if took > most:
        raise ServiceFailed(
            f"{times} restarts of {target.id} took {took:.1f} s, and are counted together only "
            f"within {most:.1f} s; a smaller --time-scale gives them longer"
        )


def restarted(target: Target) -> int | None:
    """Kill the instance and start it, until clients are served; return the old process's id.

    Raises:
        FaultDidNotBite, ServiceFailed, WaitTimeout: it did not end, or did not come back.
    """
    instance = target.instance
    before = instance.fleet.pid_of(instance.id)
    instance.kill()
    witnessed(target, lambda: not instance.processes(), "no process is left")
    instance.start()
    instance.wait_serving(target.patience_seconds)
    _lived(target)
    return before


def _lived(target: Target) -> None:
    """Wait until clients were served for a while, and a scrape after that has seen the process.

    Its uptime is then surely larger than that at which the next process is first scraped: a
    restart shows as a fall of the uptime.
    """
    begun = target.client.now()
    wait_until(
        lambda: len(target.client.since(begun)) > SAMPLES_BETWEEN or None,
        what=f"clients of {target.id} to be served after a restart",
        timeout_seconds=target.patience_seconds,
        interval_seconds=0.05,
    )
    served = time.time()
    wait_until(
        lambda: target.answered_at() > served or None,
        what=f"{target.id} to answer a scrape after a restart",
        timeout_seconds=target.patience_seconds,
        interval_seconds=0.05,
        retry_on=(PrometheusError,),
    )
