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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scenarios.conditions import Load, Service
from scenarios.contained import ContainedInstance
from scenarios.faults.fault import Fault
from scenarios.faults.gateway_answers import NORMAL
from scenarios.load import LoadGenerator
from scenarios.load_plan import SPARE_THREADS, TargetLoad, threads_needed, users_needed
from scenarios.logs import Logs, Shipper
from scenarios.model import BUDGETS, JOB, MAIN, Drill
from scenarios.parts import Parts
from scenarios.relay import Relay
from scenarios.service import FLEET, Fleet, Instance
from scenarios.settings import Settings
from scenarios.target import Discovery, Gateway, Scraping, Target
from stack.images import image_of
from stack.launch.premises import Limits, Premises
from stack.ports import Place, reserve
from stack.processes import Processes

if TYPE_CHECKING:
    from stack.launch.containers import PostgreSQL

SHIPPER_JOB = "log-shipper"
"""The ``job`` label of what ships logs, as production's targets name it."""

CONTROL = "control"
"""The service that nobody breaks."""


CONTROL_SERVICE = {False: Service(), True: Service(instances=2)}
"""Of a stack, by whether it judges budgets: there one lost scrape of an only instance is much of
what a month allows, as 250 ms stand for more than a minute."""

CONTROL_LOAD = Load(per_second=1)
"""What the control's clients ask for; the same as those of most drills."""


def control_of(stack: str) -> str:
    """Return the name of the control that one stack watches."""
    return CONTROL if stack == MAIN else f"{CONTROL}-{stack}"


ORDINARY_RESPONSE_SECONDS = 0.5
"""What an unfaulted request may take on a busy machine; sizes users and threads."""


MAINTENANCE = "maintenance"

IDLE_SAMPLES = 4
"""An instance whose drill does not depend on its own sampling samples this many times less often:
reading a process tree's memory costs milliseconds, and all instances share the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarters:
    """Where services live, with what those that live there share.

    Attributes:
        gateway: where the payment gateway's double is reached that all pay through.
    """

    premises: Premises
    gateway: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Berth:
    """What one instance is given before anything starts.

    ``instance`` is what its faults are signed for: no other instance takes them, of this run or of
    another; one that is started again keeps it.
    """

    id: str
    stack: str
    instance: str
    load: Load
    service: Service
    longest_response_seconds: float
    sample_seconds: float
    premises: Premises
    places: tuple[Place, ...]
    gateway: Place
    directory: Path
    time_scale: float
    relay: Relay | None = None
    shipper: Place | None = None

    @classmethod
    def of(
        cls,
        drill: Drill | None,
        *,
        stack: str = MAIN,
        settings: Settings,
        run: Path,
        quarters: Quarters,
    ) -> Berth:
        """Return what a drill's instance, or the control's (``None``) of a stack, is given."""
        drill_id = drill.id if drill else control_of(stack)
        load = drill.load if drill else CONTROL_LOAD
        service = drill.service if drill else CONTROL_SERVICE[stack == BUDGETS]
        if drill is None and stack == MAIN:
            service = replace(service, ships_logs=settings.logs)
        probed = drill is not None and drill.fault.effect(load, service).probed
        sample = settings.sample.total_seconds()
        premises, outside = quarters.premises, quarters.premises.outside
        home = f"{FLEET}-{drill_id}" if premises.apart and service.alone else FLEET
        places = tuple(premises.place(home) for _ in range(service.instances))
        return cls(
            id=drill_id,
            stack=stack,
            instance=f"{drill_id}-{secrets.token_hex(4)}",
            load=load,
            service=service,
            longest_response_seconds=_longest(drill, load, service, settings),
            sample_seconds=sample if probed else IDLE_SAMPLES * sample,
            premises=premises,
            places=places,
            relay=Relay(places[0], host=outside) if service.relayed else None,
            gateway=reserve(outside) if service.own_gateway else quarters.gateway,
            shipper=reserve(outside) if service.ships_logs else None,
            directory=run / "services" / drill_id,
            time_scale=settings.time_scale,
        )

    @property
    def targeted(self) -> TargetLoad:
        """The load generator's view of this instance."""
        return TargetLoad(
            id=self.id,
            host=f"http://{self.places[0].address}",
            rate_per_second=self.load.per_second,
            users=users_needed(self.load.per_second, self.longest_response_seconds),
            journey=self.load.journey,
            instance=self.instance,
            paused=True,
        )

    def close(self) -> None:
        """Give the ports back."""
        if self.relay:
            self.relay.close()
        for place in (*self.places, *([self.gateway] if self.service.own_gateway else [])):
            place.close()
        if self.shipper:
            self.shipper.close()

    @property
    def alone(self) -> bool:
        """Whether it is alone in a container."""
        return self.premises.apart and self.service.alone

    @property
    def scraped(self) -> tuple[str, ...]:
        """Where Prometheus finds the instances: the first behind its relay, if it has one."""
        first, *others = (one.address for one in self.places)
        return (self.relay.address if self.relay else first, *others)

    @property
    def threads(self) -> int:
        """How many threads the instance serves with."""
        return threads_needed(self.load.per_second, self.longest_response_seconds)


def _through(postgresql: PostgreSQL) -> Mapping[str, str]:
    """Return what tells an instance of the server that has its rows."""
    return {"DATABASE_URL": postgresql.url, "PGPASSFILE": str(postgresql.password_file)}


def _configured_limits(memory_bytes: int, cores: float) -> Mapping[str, str]:
    """Return what tells an instance of limits that the kernel does not set."""
    return {
        "INSTRUMENT_MEMORY_LIMIT_BYTES": str(memory_bytes),
        "INSTRUMENT_CPU_LIMIT_CORES": str(cores),
    }


def _longest(drill: Drill | None, load: Load, service: Service, settings: Settings) -> float:
    faults: list[Fault] = []
    if drill:
        faults = [drill.fault, *([drill.after.fault] if drill.after else [])]
    held = [fault.effect(load, service).longest_response.total_seconds() for fault in faults]
    if service.own_gateway:
        held.append(settings.payment_timeout.total_seconds())
    return max([ORDINARY_RESPONSE_SECONDS, *held])


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
    ) -> Target:
        """Write an instance's files and return it as a target; nothing is started yet."""
        berth.directory.mkdir(parents=True, exist_ok=True)
        self.targets(berth.stack).mkdir(parents=True, exist_ok=True)
        limit = berth.service.memory_limit_mb * 2**20
        quota = berth.service.cpu_quota_cores
        cores = quota or berth.service.cpu_limit_cores or len(os.sched_getaffinity(0))
        backup = berth.directory / "last-backup.json"
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
                        "labels": {"service": berth.id, "job": JOB},
                    }
                ]
            ),
        )
        parts = Parts.of(berth.service, berth.directory, self.faketime, alone=berth.alone)
        postgresql = self._postgresql(berth) if berth.service.postgresql else None
        environment = {
            **self._environment(berth, parts.database, backup),
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
            database=parts.database,
            log_file=parts.log_file,
            scraping=scraping,
            disk=parts.disk,
            clock=parts.clock,
            relay=berth.relay,
            certificate=parts.certificate,
            shipper=self._shipper(berth, berth.shipper, parts.log_file, logs)
            if berth.shipper
            else None,
            backup_status=backup,
            postgresql=postgresql,
            memory_limit_bytes=limit,
            cpu_limit_cores=cores,
            patience_seconds=patience,
            time_scale=berth.time_scale,
            leased=self.settings.lease_seconds is not None,
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

    def _environment(self, berth: Berth, database: Path, backup: Path) -> Mapping[str, str]:
        settings = self.settings
        sample = str(berth.sample_seconds)
        return {
            "INSTRUMENT_ENVIRONMENT": "drill",  # whatever it is called where the drill is started
            "INSTRUMENT_SERVICE_NAME": berth.id,
            "INSTRUMENT_INSTANCE_ID": berth.instance,
            "INSTRUMENT_FAULT_SECRET_FILE": str(self.fault_secret),
            "INSTRUMENT_SAMPLE_SECONDS": sample,
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
