"""Who asks for a container of its own gets one where there are any, with the kernel's limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from scenarios.berth import Berth, Quarters
from scenarios.conditions import Service
from scenarios.contained import ContainedInstance
from scenarios.faults.noop import Noop
from scenarios.logs import Logs
from scenarios.model import Drill
from scenarios.service import Fleet, Instance, ServiceFailed
from scenarios.settings import Settings
from scenarios.site import Site
from scenarios.target import Scraping, Target
from stack.launch.premises import ANY_PORT, Limits, Part, Running
from stack.ports import Fixed
from stack.processes import Processes
from stack.timescale import Change

SCRAPING = Scraping(timeout_seconds=0.25, sample_limit=5000)


@dataclass
class Elsewhere:
    """Premises on which nothing is started: addresses are given, and what is asked is kept."""

    apart: bool
    outside: str = "127.0.0.1"
    changes: Sequence[Change] = ()
    asked: list[str] = field(default_factory=list)
    started: list[Part] = field(default_factory=list)

    def place(self, name: str, port: int = ANY_PORT) -> Fixed:
        self.asked.append(name)
        return Fixed("10.0.0.7", port or 8000 + len(self.asked))

    def start(self, part: Part) -> Running:
        self.started.append(part)
        return cast(Running, _Quiet())

    def start_together(self, parts: Sequence[Part]) -> Sequence[Running]:
        return [self.start(part) for part in parts]

    def stop(self, *names: str) -> None: ...

    def kernel_pid(self, name: str, pid: int) -> int:
        return pid

    def exited(self) -> Mapping[str, int]:
        return {}


class _Quiet:
    stdin = None
    stdout = None

    def poll(self) -> None:
        return None


def built(service: Service, premises: Elsewhere, directory: Path) -> Target:
    settings = Settings()
    site = Site.make(directory, settings)
    berth = Berth.of(
        Drill(alert="A", fault=Noop(), service=service),
        settings=settings,
        run=directory,
        quarters=Quarters(premises=premises, gateway=Fixed("10.0.0.1", 1)),
    )
    processes = Processes()
    return site.build(
        berth,
        Fleet(premises, settings.app, directory),
        cast(Any, None),
        patience=1.0,
        scraping=SCRAPING,
        logs=Logs(processes, directory),
        processes=processes,
    )


@pytest.mark.parametrize(
    "service", [Service(own_container=True), Service(disk="logs")], ids=["asked for", "a disk"]
)
def test_it_is_alone_where_there_are_containers(service: Service, tmp_path: Path) -> None:
    premises = Elsewhere(apart=True)
    target = built(service, premises, tmp_path)
    assert isinstance(target.instance, ContainedInstance)
    assert premises.asked == ["fleet-A"]
    assert target.instance.url == "http://10.0.0.7:8001"
    assert "10.0.0.7:8001" in target.discovery.content


def test_it_is_one_of_many_where_there_are_none(tmp_path: Path) -> None:
    premises = Elsewhere(apart=False)
    target = built(Service(own_container=True), premises, tmp_path)
    assert type(target.instance) is Instance
    assert premises.asked == ["fleet"]


def test_the_kernels_limits_take_the_place_of_configured_ones(tmp_path: Path) -> None:
    service = Service(own_container=True, memory_limit_mb=64, cpu_quota_cores=0.5, disk="logs")
    premises = Elsewhere(apart=True)
    target = built(service, premises, tmp_path)
    assert not [name for name in target.instance.environment if "LIMIT" in name]
    assert target.cpu_limit_cores == 0.5
    target.instance.fleet.start()
    (part,) = premises.started
    assert target.disk is not None
    assert part.limits == Limits(memory_bytes=64 << 20, cores=0.5, disks={target.disk: 16 << 20})


def test_without_a_container_the_limits_are_told(tmp_path: Path) -> None:
    target = built(Service(memory_limit_mb=64), Elsewhere(apart=True), tmp_path)
    assert target.instance.environment["INSTRUMENT_MEMORY_LIMIT_BYTES"] == str(64 << 20)


def test_what_only_a_container_bears_is_refused_to_a_process(tmp_path: Path) -> None:
    target = built(Service(), Elsewhere(apart=False), tmp_path)
    target.instance.fleet.start()
    with pytest.raises(ServiceFailed, match="fleet does not run in a container"):
        _ = target.instance.fleet.container


def test_postgresql_asks_for_a_container(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="A asks for PostgreSQL and is in no container"):
        built(Service(postgresql=True), Elsewhere(apart=False), tmp_path)


def test_who_saw_it_frozen_is_named_as_it_is() -> None:
    assert "kernel" in Instance.frozen_says
    assert "engine" in ContainedInstance.frozen_says
