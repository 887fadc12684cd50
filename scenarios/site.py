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

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Fault
from scenarios.faults.gateway_answers import NORMAL
from scenarios.load import LoadGenerator
from scenarios.load_plan import SPARE_THREADS, TargetLoad, threads_needed, users_needed
from scenarios.logs import Logs, Shipper
from scenarios.model import BUDGETS, JOB, MAIN, Drill
from scenarios.parts import Parts
from scenarios.relay import Relay
from scenarios.service import Fleet, Instance
from scenarios.settings import Settings
from scenarios.target import Discovery, Gateway, Scraping, Target
from stack.ports import Reservation, reserve
from stack.processes import Processes

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
    ports: tuple[Reservation, ...]
    gateway_port: Reservation
    directory: Path
    time_scale: float
    relay: Relay | None = None
    shipper_port: Reservation | None = None

    @classmethod
    def of(
        cls,
        drill: Drill | None,
        *,
        stack: str = MAIN,
        settings: Settings,
        run: Path,
        shared_gateway: Reservation,
    ) -> Berth:
        """Return what a drill's instance, or the control's (``None``) of a stack, is given."""
        drill_id = drill.id if drill else control_of(stack)
        load = drill.load if drill else CONTROL_LOAD
        service = drill.service if drill else CONTROL_SERVICE[stack == BUDGETS]
        if drill is None and stack == MAIN:
            service = replace(service, ships_logs=settings.logs)
        probed = drill is not None and drill.fault.effect(load, service).probed
        sample = settings.sample.total_seconds()
        ports = tuple(reserve() for _ in range(service.instances))
        return cls(
            id=drill_id,
            stack=stack,
            instance=f"{drill_id}-{secrets.token_hex(4)}",
            load=load,
            service=service,
            longest_response_seconds=_longest(drill, load, service, settings),
            sample_seconds=sample if probed else IDLE_SAMPLES * sample,
            ports=ports,
            relay=Relay(ports[0].port) if service.relayed else None,
            gateway_port=reserve() if service.own_gateway else shared_gateway,
            shipper_port=reserve() if service.ships_logs else None,
            directory=run / "services" / drill_id,
            time_scale=settings.time_scale,
        )

    @property
    def targeted(self) -> TargetLoad:
        """The load generator's view of this instance."""
        return TargetLoad(
            id=self.id,
            host=f"http://127.0.0.1:{self.ports[0].port}",
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
        for port in (*self.ports, *([self.gateway_port] if self.service.own_gateway else [])):
            port.close()
        if self.shipper_port:
            self.shipper_port.close()

    @property
    def scraped_ports(self) -> tuple[int, ...]:
        """Where Prometheus finds the instances: the first behind its relay, if it has one."""
        first, *others = (one.port for one in self.ports)
        return (self.relay.port if self.relay else first, *others)

    @property
    def threads(self) -> int:
        """How many threads the instance serves with."""
        return threads_needed(self.load.per_second, self.longest_response_seconds)


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
        cores = berth.service.cpu_limit_cores or len(os.sched_getaffinity(0))
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
                        "targets": [f"127.0.0.1:{port}" for port in berth.scraped_ports],
                        "labels": {"service": berth.id, "job": JOB},
                    }
                ]
            ),
        )
        parts = Parts.of(berth.service, berth.directory, self.faketime)
        environment = {
            **self._environment(berth, parts.database, backup, limit, cores),
            **parts.environment,
            **berth.service.environment,
        }
        first, *others = (
            Instance(
                id=f"{berth.id}-{number}" if number else berth.id,
                port=port.port,
                threads=SPARE_THREADS if number else berth.threads,
                directory=berth.directory / str(number) if number else berth.directory,
                environment=environment,
                fleet=fleet,
                under=parts.under,
            )
            for number, port in enumerate(berth.ports)
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
            shipper=self._shipper(berth, parts.log_file, logs) if berth.shipper_port else None,
            backup_status=backup,
            memory_limit_bytes=limit,
            cpu_limit_cores=cores,
            patience_seconds=patience,
            time_scale=berth.time_scale,
        )

    def _shipper(self, berth: Berth, log_file: Path, logs: Logs) -> Shipper:
        port = berth.shipper_port.port if berth.shipper_port else 0
        discovery = Discovery(
            path=self.targets(berth.stack) / f"{berth.id}-shipper.yml",
            content=json.dumps(
                [
                    {
                        "targets": [f"127.0.0.1:{port}"],
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
            port=port,
            directory=berth.directory / "shipper",
            discovery=discovery,
        )

    def start_gateway(self, name: str, port: int, directory: Path, processes: Processes) -> None:
        """Start a payment gateway's double that reads its behaviour from ``directory``."""
        directory.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "instrumentation.demo.gateway"]
        argv += ["--port", str(port), "--key-file", str(self.gateway_key)]
        argv += ["--control-file", str(directory / "gateway-behaviour")]
        argv += ["--log", str(directory / "gateway.jsonl")]
        processes.start(f"gateway-{name}", argv, log=directory / "gateway.log")

    def _environment(
        self, berth: Berth, database: Path, backup: Path, limit: int, cores: float
    ) -> Mapping[str, str]:
        settings = self.settings
        sample = str(berth.sample_seconds)
        return {
            "INSTRUMENT_ENVIRONMENT": "drill",  # whatever it is called where the drill is started
            "INSTRUMENT_SERVICE_NAME": berth.id,
            "INSTRUMENT_INSTANCE_ID": berth.instance,
            "INSTRUMENT_FAULT_SECRET_FILE": str(self.fault_secret),
            "INSTRUMENT_MEMORY_LIMIT_BYTES": str(limit),
            "INSTRUMENT_CPU_LIMIT_CORES": str(cores),
            "INSTRUMENT_SAMPLE_SECONDS": sample,
            "DATABASE_URL": f"sqlite:///{database}",
            "STRIPE_API_KEY_FILE": str(self.gateway_key),
            "STRIPE_API_BASE": f"http://127.0.0.1:{berth.gateway_port.port}",
            "PAYMENT_TIMEOUT_SECONDS": str(settings.payment_timeout.total_seconds()),
            "DATABASE_PROBE_SECONDS": sample,
            "DATABASE_PROBE_TIMEOUT_SECONDS": str(settings.probe_timeout.total_seconds()),
            "BACKUP_DIR": str(berth.directory / "backups"),
            "BACKUP_STATUS_FILE": str(backup),
            "MAINTENANCE_FILE": str(berth.directory / MAINTENANCE),
        }
