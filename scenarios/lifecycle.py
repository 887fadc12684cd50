"""Brings a service up for its drill, and takes it away afterwards without anybody noticing.

One rule: a drill begins when all instances of its service are scraped, and what it leaves behind
raises no alert: a service that is taken away is silenced first, as a person would do.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import timedelta

from scenarios.load import LoadGenerator
from scenarios.target import Target
from stack.clients.alertmanager import AlertmanagerClient
from stack.clients.prometheus import PrometheusClient, PrometheusError
from stack.waiting import NotYet, wait_until

READY_SECONDS = 60.0
"""How long a service may take until it is scraped; it takes about six seconds, five of which are
Prometheus' own discovery tick."""

LOOK_SECONDS = 0.25
"""What was read of Prometheus' targets is believed for so long, however many drills ask."""

SILENCE = timedelta(hours=1)
"""Longer than any run goes on after one of its drills has ended."""


class Scraped:
    """Which services have all their instances scraped, read once for everybody who asks."""

    def __init__(self, prometheus: PrometheusClient) -> None:
        self._prometheus = prometheus
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._up: dict[str, int] = {}

    def instances_of(self, service: str) -> int:
        """Return how many instances of ``service`` answered their last scrape.

        Raises:
            PrometheusError: the targets can't be read.
        """
        with self._lock:
            if time.monotonic() - self._read_at > LOOK_SECONDS:
                up: dict[str, int] = {}
                for one in self._prometheus.targets():
                    name = one.labels.get("service", "")
                    up[name] = up.get(name, 0) + (one.health == "up")
                self._up, self._read_at = up, time.monotonic()
            return self._up.get(service, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """What all services of a run are brought up with."""

    load: LoadGenerator
    scraped: Scraped
    alertmanager: AlertmanagerClient
    booting: threading.Semaphore
    scrape: timedelta

    def bring_up(self, target: Target) -> None:
        """Start the service, let Prometheus discover it, and load it once it serves.

        Raises:
            ServiceFailed: an instance did not come up.
        """
        with self.booting:
            for instance in target.instances:  # one by one: ten at once would starve the others
                instance.start()
                instance.wait_serving(READY_SECONDS)
        target.discovery.announce()
        self.load.flow(target.id, on=True)

    def wait_scraped(self, target: Target) -> None:
        """Wait until each instance was scraped.

        Raises:
            WaitTimeout: one was not.
        """
        wanted = len(target.instances)

        def scraped() -> bool:
            found = self.scraped.instances_of(target.id)
            if found < wanted:
                raise NotYet(f"{found} of {wanted} instances answered their last scrape")
            return True

        wait_until(
            scraped,
            what=f"{target.id} to be scraped",
            timeout_seconds=READY_SECONDS + 2 * self.scrape.total_seconds(),
            interval_seconds=LOOK_SECONDS,
            retry_on=(PrometheusError,),
        )

    def take_away(self, target: Target) -> None:
        """Silence the service, withdraw it, and end its processes.

        Raises:
            AlertmanagerError: the silence was refused, so nothing was taken away.
        """
        self.load.flow(target.id, on=False)
        self.alertmanager.silence(
            {"service": target.id}, for_=SILENCE, comment=f"the drill {target.id} is over"
        )
        if target.discovery.announced:
            target.discovery.withdraw()
        _end(target)

    def end(self, target: Target) -> None:
        """End a service that nobody watches any more.

        Raises:
            LoadError, ServiceFailed: the load or the fleet is gone.
        """
        self.load.flow(target.id, on=False)
        _end(target)


def _end(target: Target) -> None:
    for instance in target.instances:
        if instance.processes():
            instance.kill()
