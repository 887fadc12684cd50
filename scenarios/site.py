"""Makes the service instances of a run: their folders, files, ports and environment.

One rule: whatever an instance writes lies in its own folder below the run's, so a drill can break
its files without touching another's.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scenarios.berth import Berth
from scenarios.contained import ContainedInstance
from scenarios.faults.gateway_answers import NORMAL
from scenarios.load import LoadGenerator
from scenarios.load_plan import SPARE_THREADS
from scenarios.logs import Logs
from scenarios.model import JOB
from scenarios.parts import Parts
from scenarios.played import Player
from scenarios.service import FLEET, Fleet, Instance
from scenarios.settings import Settings
from scenarios.shipper import Shipper
from scenarios.target import Discovery, Gateway, Scraping, Target
from stack.images import image_of
from stack.launch.premises import Limits
from stack.ports import Place
from stack.processes import Processes

if TYPE_CHECKING:
    from stack.launch.containers import PostgreSQL

SHIPPER_JOB = "log-shipper"
"""The ``job`` label of what ships logs, as production's targets name it."""

MAINTENANCE = "maintenance"


def _through(postgresql: PostgreSQL) -> Mapping[str, str]:
    """Return what tells an instance of the server that has its rows."""
    return {"DATABASE_URL": postgresql.url, "PGPASSFILE": str(postgresql.password_file)}


def _configured_limits(memory_bytes: int, cores: float) -> Mapping[str, str]:
    """Return what tells an instance of limits that the kernel does not set."""
    return {
        "INSTRUMENT_MEMORY_LIMIT_BYTES": str(memory_bytes),
        "INSTRUMENT_CPU_LIMIT_CORES": str(cores),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The folder of a run, and what its instances share."""

    run: Path
    settings: Settings
    fault_secret: Path
    gateway_key: Path
    faketime: Path | None = None

    @classmethod
    def make(cls, run: Path, settings: Settings, faketime: Path | None = None) -> Site:
        """Make the folder's shared secrets, new for this run.

        ``faketime`` is the library that gives an instance a clock of its own, if any has one.
        """
        run.mkdir(parents=True, exist_ok=True)
        site = cls(
            run=run,
            settings=settings,
            fault_secret=run / "fault-secret",
            gateway_key=run / "gateway-key",
            faketime=faketime,
        )
        for path, content in (
            (site.fault_secret, secrets.token_hex(32)),
            (site.gateway_key, "sk_test_" + secrets.token_hex(16)),
        ):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(content)
        return site

    def targets(self, stack: str) -> Path:
        """Return the folder in which one stack's Prometheus discovers services."""
        return self.run / "targets" / stack

    def build(
        self,
        berth: Berth,
        fleet: Fleet,
        load: LoadGenerator,
        *,
        patience: float,
        scraping: Scraping,
        logs: Logs,
        processes: Processes,
    ) -> Target:
        """Write an instance's files and return it as a target; nothing is started yet."""
        berth.directory.mkdir(parents=True, exist_ok=True)
        self.targets(berth.stack).mkdir(parents=True, exist_ok=True)
        limit = berth.service.memory_limit_mb * 2**20
        quota = berth.service.cpu_quota_cores
        cores = quota or berth.service.cpu_limit_cores or len(os.sched_getaffinity(0))
        backup = berth.directory / self._backup_name
        backup.parent.mkdir(parents=True, exist_ok=True)
        backup.write_text(json.dumps({"completed_at": time.time(), "path": "", "bytes": 0}))
        gateway = Gateway(
            control=berth.directory / "gateway-behaviour", log=berth.directory / "gateway.jsonl"
        )
        gateway.behave(NORMAL)
        discovery = Discovery(
            path=self.targets(berth.stack) / f"{berth.id}.yml",
            content=json.dumps(
                [
                    {
                        "targets": list(berth.scraped),
                        "labels": {"service": berth.id, "job": JOB, **self._scraped_at},
                    }
                ]
            ),
        )
        parts = Parts.of(berth.service, berth.directory, self.faketime, alone=berth.alone)
        postgresql = self._postgresql(berth) if berth.service.postgresql else None
        environment = {
            **self._environment(berth, parts.database, backup),
            **self._launched(berth),
            **(_through(postgresql) if postgresql else {}),
            **({} if berth.alone else _configured_limits(limit, cores)),
            **parts.environment,
            **berth.service.environment,
        }
        kind = Instance
        if berth.alone:
            kind = ContainedInstance
            fleet = Fleet(
                berth.premises,
                self.settings.app,
                berth.directory,
                name=f"{FLEET}-{berth.id}",
                limits=Limits(memory_bytes=limit, cores=quota, disks=parts.disks),
            )
        first, *others = (
            kind(
                id=f"{berth.id}-{number}" if number else berth.id,
                place=place,
                threads=SPARE_THREADS if number else berth.threads,
                directory=berth.directory / str(number) if number else berth.directory,
                environment=environment,
                fleet=fleet,
                under=parts.under,
            )
            for number, place in enumerate(berth.places)
        )
        return Target(
            id=berth.id,
            instance=first,
            others=tuple(others),
            journey=berth.load.journey,
            maintenance=berth.directory / MAINTENANCE,
            load=load,
            discovery=discovery,
            gateway=gateway,
            database=berth.directory / own.database.file
            if (own := self.settings.own) and own.database
            else parts.database,
            page=self.settings.page,
            log_file=parts.log_file,
            scraping=scraping,
            disk=parts.disk,
            clock=parts.clock,
            relay=berth.relay,
            certificate=parts.certificate,
            shipper=self._shipper(berth, berth.shipper, parts.log_file, logs)
            if berth.shipper
            else None,
            player=self._player(berth, berth.player, processes) if berth.player else None,
            backup_status=backup,
            postgresql=postgresql,
            memory_limit_bytes=limit,
            cpu_limit_cores=cores,
            patience_seconds=patience,
            time_scale=berth.time_scale,
            leased=self.settings.lease_seconds is not None,
        )

    def _player(self, berth: Berth, place: Place, processes: Processes) -> Player:
        return Player(
            name=f"exporter-{berth.id}",
            place=place,
            directory=berth.directory / "played",
            series=berth.service.plays,
            processes=processes,
            time_scale=berth.time_scale,
            targets=self.targets(berth.stack),
            service=berth.id,
        )

    def _postgresql(self, berth: Berth) -> PostgreSQL:
        from stack.launch.containers import Containers, PostgreSQL

        if not isinstance(berth.premises, Containers):
            raise ValueError(f"{berth.id} asks for PostgreSQL and is in no container")
        return PostgreSQL(
            berth.premises,
            f"postgresql-{berth.id}",
            image_of("postgres"),
            berth.directory / "postgresql",
        )

    def _shipper(self, berth: Berth, place: Place, log_file: Path, logs: Logs) -> Shipper:
        discovery = Discovery(
            path=self.targets(berth.stack) / f"{berth.id}-shipper.yml",
            content=json.dumps(
                [
                    {
                        "targets": [place.address],
                        "labels": {
                            "service": berth.id,
                            "job": SHIPPER_JOB,
                            "__metrics_path__": "/metrics",
                        },
                    }
                ]
            ),
        )
        return logs.shipper(
            service=berth.id,
            log_file=log_file,
            own_node=berth.service.own_elasticsearch,
            place=place,
            directory=berth.directory / "shipper",
            discovery=discovery,
        )

    def start_gateway(self, name: str, place: Place, directory: Path, processes: Processes) -> None:
        """Start a payment gateway's double that reads its behaviour from ``directory``."""
        directory.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "instrumentation.demo.gateway"]
        argv += ["--host", place.host, "--port", str(place.port)]
        argv += ["--key-file", str(self.gateway_key)]
        argv += ["--control-file", str(directory / "gateway-behaviour")]
        argv += ["--log", str(directory / "gateway.jsonl")]
        processes.start(f"gateway-{name}", argv, log=directory / "gateway.log")

    @property
    def _backup_name(self) -> Path:
        own = self.settings.own
        return own.backup if own and own.backup else Path("last-backup.json")

    @property
    def _scraped_at(self) -> Mapping[str, str]:
        """Return the label that says where the metrics are, where production's path is not it."""
        own = self.settings.own
        return {"__metrics_path__": own.metrics.path} if own and own.metrics else {}

    def _launched(self, berth: Berth) -> Mapping[str, str]:
        """Return what an application that is not the demo is told, each instance its own."""
        if self.settings.own is None:
            return {}
        return {
            **self.settings.own.surroundings(berth.directory),
            "LAUNCH_PROBE_SECONDS": str(berth.sample_seconds),
            "LAUNCH_PROBE_TIMEOUT_SECONDS": str(self.settings.probe_timeout.total_seconds()),
        }

    def _environment(self, berth: Berth, database: Path, backup: Path) -> Mapping[str, str]:
        settings = self.settings
        sample = str(berth.sample_seconds)
        common = {
            "INSTRUMENT_ENVIRONMENT": "drill",  # whatever it is called where the drill is started
            "INSTRUMENT_SERVICE_NAME": berth.id,
            "INSTRUMENT_INSTANCE_ID": berth.instance,
            "INSTRUMENT_FAULT_SECRET_FILE": str(self.fault_secret),
            "INSTRUMENT_SAMPLE_SECONDS": sample,
        }
        if settings.own is not None:
            return common
        return {
            **common,
            "DATABASE_URL": f"sqlite:///{database}",
            "STRIPE_API_KEY_FILE": str(self.gateway_key),
            "STRIPE_API_BASE": f"http://{berth.gateway.address}",
            "PAYMENT_TIMEOUT_SECONDS": str(settings.payment_timeout.total_seconds()),
            "DATABASE_PROBE_SECONDS": sample,
            "DATABASE_PROBE_TIMEOUT_SECONDS": str(settings.probe_timeout.total_seconds()),
            "BACKUP_DIR": str(berth.directory / "backups"),
            "BACKUP_STATUS_FILE": str(backup),
            "MAINTENANCE_FILE": str(berth.directory / MAINTENANCE),
        }
