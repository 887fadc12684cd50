"""Everything that a fault may touch of one service instance, and what the outside sees of it.

One rule: a fault reaches its target through these parts alone, so its blast radius is this object.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scenarios.conditions import PAGE
from stack.replacing import replace_text
from stack.waiting import slice_of

if TYPE_CHECKING:
    from scenarios.load import LoadGenerator
    from scenarios.load_sample import LoadSample
    from scenarios.played import Player
    from scenarios.relay import Relay
    from scenarios.service import Instance
    from scenarios.shipper import Shipper
    from scenarios.watchers import Watchers
    from stack.launch.containers.postgresql import PostgreSQL


class ClientView:
    """What the clients of one instance saw, sample by sample, as the load generator tells it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._samples: list[LoadSample] = []

    def add(self, sample: LoadSample) -> None:
        """Take the next sample and wake whoever waits for one."""
        with self._changed:
            self._samples.append(sample)
            self._changed.notify_all()

    def now(self) -> float:
        """Return when the last sample was taken, or 0 before the first."""
        with self._changed:
            return self._samples[-1].at if self._samples else 0.0

    def since(self, at: float) -> tuple[LoadSample, ...]:
        """Return the samples taken after ``at`` (seconds since the epoch)."""
        with self._changed:
            return tuple(sample for sample in self._samples if sample.at > at)

    def wait_for(
        self, wanted: Callable[[LoadSample], bool], *, after: float, timeout_seconds: float
    ) -> LoadSample | None:
        """Wait for a sample taken after ``after`` that is wanted; ``None`` when none comes."""
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
            while True:
                for sample in self._samples:
                    if sample.at > after and wanted(sample):
                        return sample
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(slice_of(left))


@dataclass(frozen=True, slots=True)
class Discovery:
    """The file through which Prometheus discovers one instance."""

    path: Path
    content: str

    def announce(self) -> None:
        """Write the file in one step."""
        replace_text(self.path, self.content)

    def withdraw(self) -> None:
        """Take the instance out of discovery."""
        self.path.unlink()

    @property
    def announced(self) -> bool:
        """Whether the file is there."""
        return self.path.exists()


@dataclass(frozen=True, slots=True)
class Gateway:
    """The payment gateway's double that one instance pays through."""

    control: Path
    log: Path

    def behave(self, behaviour: str) -> None:
        """Choose how the gateway answers from now on."""
        replace_text(self.control, behaviour)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraping:
    """What Prometheus allows a scrape of the instance.

    Attributes:
        timeout_seconds: how long it may take.
        sample_limit: how many samples it may yield; 0 for any number.
    """

    timeout_seconds: float
    sample_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One service instance with its load, its place in discovery, its gateway and its files.

    Attributes:
        instance: the one that is loaded.
        others: the service's other instances, which are scraped and get no load.
        journey: what its clients ask for while nothing is broken.
        maintenance: the file that means maintenance while it is there.
        watchers: what watches it, where the drill breaks that.
        shipper: what ships its log, if anything does.
        postgresql: the server that has its rows, if any but a file has.
        log_file: where the instance logs.
        disk: the folder with a disk of its own, as the instance's processes see it, if it has one.
        clock: the file that says how far the clock of its own is off, if it has one.
        relay: what Prometheus scrapes it through, if anything.
        certificate: the certificate that it watches, if any.
        patience_seconds: how long a fault may take to show its witness, or to be repaired.
        time_scale: by what production's durations are divided where it is watched.
        leased: whether the faults that its requests carry end with the load, and are ended, with
            those that are still in flight, at the repair.
        player: what plays series beside it, in a synthetic drill.
        page: the path of a page that a plain GET is answered well for; it reads the database.
        answered_at: when it last answered a scrape, as its Prometheus says, since the epoch.
    """

    id: str
    instance: Instance
    others: tuple[Instance, ...]
    journey: Mapping[str, int]
    load: LoadGenerator
    discovery: Discovery
    gateway: Gateway
    database: Path
    maintenance: Path
    backup_status: Path
    memory_limit_bytes: int
    cpu_limit_cores: float
    patience_seconds: float
    log_file: Path
    scraping: Scraping
    time_scale: float
    disk: Path | None = None
    clock: Path | None = None
    relay: Relay | None = None
    certificate: Path | None = None
    watchers: Watchers | None = None
    shipper: Shipper | None = None
    postgresql: PostgreSQL | None = None
    leased: bool = False
    player: Player | None = None
    page: str = PAGE
    answered_at: Callable[[], float] = lambda: 0.0
    client: ClientView = field(default_factory=ClientView)

    def fault_on(self, fault: Mapping[str, object], share: float, only: Sequence[str] = ()) -> None:
        """Let ``share`` of this instance's requests, or of those in ``only``, carry ``fault``."""
        self.load.fault_on(self.id, fault, share, only)

    @property
    def instances(self) -> tuple[Instance, ...]:
        """All instances of the service."""
        return (self.instance, *self.others)

    def fault_off(self) -> None:
        """Let no request carry a fault any more."""
        self.load.fault_off(self.id)
