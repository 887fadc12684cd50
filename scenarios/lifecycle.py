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
from scenarios.model import JOB
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
        self._answered: dict[str, float] = {}

    def instances_of(self, service: str) -> int:
        """Return how many instances of ``service`` answered their last scrape.

        Raises:
            PrometheusError: the targets can't be read.
        """
        with self._lock:
            self._read()
            return self._up.get(service, 0)

    def answered_at(self, service: str) -> float:
        """Return when ``service`` answered a scrape, in seconds since the epoch; 0.0 for not yet.

        Raises:
            PrometheusError: the targets can't be read.
        """
        with self._lock:
            self._read()
            return self._answered.get(service, 0.0)

    def _read(self) -> None:
        if time.monotonic() - self._read_at <= LOOK_SECONDS:
            return
        up: dict[str, int] = {}
        for one in self._prometheus.targets():
            if one.labels.get("job") != JOB:
                continue
            name = one.labels.get("service", "")
            up[name] = up.get(name, 0) + (one.health == "up")
            if one.health == "up":
                self._answered[name] = one.last_scrape
        self._up, self._read_at = up, time.monotonic()


class Departed:
    """Services that were taken away, of which Prometheus forgets that they were ever there.

    SoftFactoryDown remembers a service that left discovery for an hour. In production that is its
    purpose; after drills it is dozens of silenced alerts, evaluated and sent for nothing.
    """

    def __init__(self, prometheus: PrometheusClient, *, dropped_after: timedelta) -> None:
        """Believe that Prometheus scrapes a service no more so long after it was withdrawn."""
        self._prometheus = prometheus
        self._dropped_after_seconds = dropped_after.total_seconds()
        self._lock = threading.Lock()
        self._left: dict[str, float] = {}

    def add(self, service: str) -> None:
        """Note a service that was withdrawn just now, and forget those of some time ago.

        Raises:
            PrometheusError: it forgets nothing.
        """
        now = time.monotonic()
        with self._lock:
            gone = [one for one, at in self._left.items() if now - at > self._dropped_after_seconds]
            self._left = {one: at for one, at in self._left.items() if one not in gone}
            self._left[service] = now
        if gone:
            self._prometheus.forget(f'up{{service=~"{"|".join(gone)}"}}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """What all services of a run are brought up with, and taken away."""

    load: LoadGenerator
    scraped: Scraped
    departed: Departed
    alertmanager: AlertmanagerClient
    booting: threading.Semaphore
    scrape: timedelta

    def bring_up(self, target: Target) -> None:
        """Start the service, let Prometheus discover it, and load it once it serves.

        Raises:
            ServiceFailed: an instance did not come up.
        """
        if target.postgresql:
            target.postgresql.start()
            target.postgresql.wait_ready(READY_SECONDS)
        with self.booting:
            for instance in target.instances:  # one by one: ten at once would starve the others
                instance.start()
                instance.wait_serving(READY_SECONDS)
        target.discovery.announce()
        if target.player:
            target.player.start()
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
        if target.player:
            target.player.wait_scraped(READY_SECONDS)

    def take_away(self, target: Target) -> None:
        """Silence the service, withdraw it, and end its processes.

        Raises:
            AlertmanagerError: the silence was refused, so nothing was taken away.
            PrometheusError: the services that left before can't be forgotten.
        """
        self.load.flow(target.id, on=False)
        self.alertmanager.silence(
            {"service": target.id}, for_=SILENCE, comment=f"the drill {target.id} is over"
        )
        for discovery in (
            target.discovery,
            *([shipper.discovery] if (shipper := target.shipper) and shipper.discovery else []),
        ):
            if discovery.announced:
                discovery.withdraw()
        _end(target)
        self.departed.add(target.id)

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
    if target.player:
        target.player.end()
    if target.postgresql:
        target.postgresql.end()
