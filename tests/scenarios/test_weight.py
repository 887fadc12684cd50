"""A drill weighs what it takes of the machine."""

from dataclasses import replace

import pytest

from scenarios.conditions import Load, Service, steady
from scenarios.faults.burn_cpu import BurnCPU
from scenarios.faults.noop import Noop
from scenarios.model import Drill
from scenarios.weight import CORES_PER_PLACE, weight

LIGHT = Drill(alert="A", fault=Noop(), load=steady(per_second=1))


@pytest.mark.parametrize(
    "conditions",
    [
        {"load": steady(per_second=20)},
        {"service": Service(instances=12)},
        {"service": Service(cpu_limit_cores=0.12), "fault": BurnCPU(seconds=0.1)},
        {"service": Service(ships_logs=True)},
        {"service": Service(disk="logs")},
        {"service": Service(own_clock=True)},
    ],
    ids=["load", "instances", "processor time", "a shipper", "a disk", "a clock"],
)
def test_a_drill_weighs_more_with(conditions: dict[str, Load | Service | BurnCPU]) -> None:
    assert weight(replace(LIGHT, **conditions)) > weight(LIGHT)


def test_a_container_is_its_own_disk_and_needs_no_program_to_run_in() -> None:
    disk = replace(LIGHT, service=Service(disk="logs"))
    killed = replace(LIGHT, service=Service(own_container=True))
    assert weight(disk, contained=True) == weight(killed, contained=True) > weight(LIGHT)


BURNING = replace(LIGHT, fault=BurnCPU(seconds=0.1))


def test_what_a_fault_burns_counts_whatever_the_limit() -> None:
    small, large = (
        replace(BURNING, service=Service(cpu_limit_cores=cores)) for cores in (0.1, 0.4)
    )
    assert weight(small) == pytest.approx(weight(large))
    assert weight(small) - weight(LIGHT) == pytest.approx(0.1 / CORES_PER_PLACE)


def test_a_quota_is_the_most_that_a_container_takes() -> None:
    quota = replace(BURNING, service=Service(own_container=True, cpu_quota_cores=0.25))
    limit = replace(BURNING, service=Service(own_container=True, cpu_limit_cores=0.25))
    assert weight(quota, contained=True) == weight(quota) < weight(limit, contained=True)
