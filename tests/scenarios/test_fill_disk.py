"""A disk of the service's own is filled inside its namespace, never to the brim, and given back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from scenarios.capabilities import OWN_DISK, why_not
from scenarios.conditions import DATABASE, LOGS, Service
from scenarios.faults.fault import FaultDidNotBite
from scenarios.faults.fill_disk import FULL, FillDisk, seen_from_outside, used
from scenarios.target import Target
from stack.waiting import wait_until

pytestmark = pytest.mark.integration

Serving = Callable[[Service], Target]


@pytest.fixture(autouse=True)
def where_a_service_may_have_its_own_disk() -> None:
    if reason := why_not(OWN_DISK, say=print):
        pytest.skip(reason)


@pytest.mark.parametrize("volume", [LOGS, DATABASE])
def test_the_disk_fills_steadily_where_only_the_service_sees_it(
    serving: Serving, volume: str
) -> None:
    target = serving(Service(disk=volume))
    assert target.disk is not None
    disk = seen_from_outside(target)
    written = target.log_file if volume == LOGS else target.database
    assert written.parent == target.disk
    assert (disk / written.name).exists()
    before = used(disk)
    with FillDisk(used=0.5).inject(target) as witness:
        assert "more every moment" in witness.text
        assert not list(target.disk.iterdir()), "the machine's own disk got something"
        assert target.instance.serves("/api/users")
    assert used(disk) < before + 0.1


def test_filling_ends_before_the_disk_is_full(serving: Serving) -> None:
    target = serving(Service(disk=LOGS))
    disk = seen_from_outside(target)
    with FillDisk(used=0.8, per_second=1.0).inject(target):
        wait_until(lambda: used(disk) >= FULL, what="the disk to fill", timeout_seconds=10)
        full = used(disk)
        for _ in range(3):
            assert target.instance.serves("/api/users")
        assert FULL <= used(disk) <= full + 0.12


def test_a_service_on_the_machines_own_disk_is_left_alone(serving: Serving) -> None:
    target = serving(Service())
    with (
        pytest.raises(FaultDidNotBite, match="no disk of its own"),
        FillDisk(used=0.5).inject(target),
    ):
        pytest.fail("it was filled")
    shared = replace(target, disk=target.instance.directory)
    with (
        pytest.raises(FaultDidNotBite, match="machine's own disk"),
        FillDisk(used=0.5).inject(shared),
    ):
        pytest.fail("it was filled")
