"""The parts of the machine that an instance has to itself, so that its drill may break them.

One rule: whatever is broken here is seen by the instance's own processes alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scenarios.certificate import YEAR, put_certificate
from scenarios.conditions import DATABASE, LOGS, Service
from stack.tools.faketime import prepare_clock
from stack.tools.namespace import on_own_disk

DISK_BYTES = 16 * 2**20
"""Large against what an instance writes in a drill, in real time as well (2 MB), and small against
anybody's memory."""

RIGHT = "+0"
"""What the file of a clock says that is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Where an instance's files lie, and what it is run under and told because of its parts."""

    log_file: Path
    database: Path
    disk: Path | None
    clock: Path | None
    certificate: Path | None
    under: tuple[str, ...]
    environment: Mapping[str, str]

    @property
    def disks(self) -> Mapping[Path, int]:
        """The folders that are to be disks of their own, each with its size in bytes."""
        return {self.disk: DISK_BYTES} if self.disk else {}

    @classmethod
    def of(
        cls, service: Service, directory: Path, faketime: Path | None, *, alone: bool = False
    ) -> Parts:
        """Make the parts of an instance that lives in ``directory``.

        One that is ``alone`` in a container is given its disk with that (:attr:`disks`).

        Raises:
            ValueError: the service asks for a disk of no volume that there is, or for a clock
                where ``faketime`` is missing.
        """
        volumes = {LOGS: directory, DATABASE: directory}
        under: list[str] = []
        environment: dict[str, str] = {}
        disk = clock = certificate = None
        if service.disk:
            if service.disk not in volumes:
                known = ", ".join(volumes)
                raise ValueError(f"no volume is named {service.disk!r}; there are {known}")
            disk = volumes[service.disk] = directory / f"disk-for-{service.disk}"
            disk.mkdir(parents=True, exist_ok=True)
            under += () if alone else on_own_disk(disk, DISK_BYTES)
        if service.own_clock:
            if faketime is None:
                raise ValueError("an instance with a clock of its own needs libfaketime")
            clock = directory / "clock"
            clock.write_text(RIGHT)
            environment |= prepare_clock(faketime, directory / "python", clock)
            under += ["env"]  # a library is loaded before all others by a new program alone
        if service.certificate:
            certificate = directory / "tls" / "service.pem"
            put_certificate(certificate, YEAR)
            environment["INSTRUMENT_CERTIFICATE_FILES"] = str(certificate)
        log_file = volumes[LOGS] / "app.log"
        environment["INSTRUMENT_LOG_FILE"] = str(log_file)
        return cls(
            log_file=log_file,
            database=volumes[DATABASE] / "softfactory.db",
            disk=disk,
            clock=clock,
            certificate=certificate,
            under=tuple(under),
            environment=environment,
        )
