"""Held memory against a limit that leaves a real process of the tests room for a few MiB."""

import gc
import mmap
import threading
import time

import psutil
import pytest

from instrumentation.faults.contract import FaultRejected, HoldMemory
from instrumentation.faults.memory import MemoryHolding
from instrumentation.limits import CpuLimit, MemoryLimit
from instrumentation.sampling import ResourceSampler

MEBIBYTE = 1 << 20

NOISE_PERCENT = 0.75
"""3 MiB, which other threads of the tests' own process may take or give back meanwhile."""


class CountingSampler(ResourceSampler):
    measurements = 0
    broken = False

    def measure_memory(self):
        if self.broken:
            raise psutil.AccessDenied(msg="broken by the test")
        self.measurements += 1
        return super().measure_memory()


@pytest.fixture
def quiet():
    """No collection of the tests' garbage in between two measurements."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def sampler(quiet):
    """A sampler with a limit of which the tests themselves, however many there are, hold 40 %."""
    own = sum(process.memory_full_info().pss for process in family())
    limit_bytes = max(400 * MEBIBYTE, int(own / 0.4))
    limit = MemoryLimit(limit_bytes=limit_bytes, source="configured", considered={}, cgroup=None)
    return CountingSampler(
        memory_limit=limit,
        cpu_limit=CpuLimit(cores=1.0, source="configured", considered={}),
    )


def family():
    return [psutil.Process(), *psutil.Process().children(recursive=True)]


@pytest.fixture
def told():
    """What a gauge of the held bytes was set to."""
    return []


@pytest.fixture
def holding(sampler, told):
    holding = MemoryHolding(
        limit=sampler.memory_limit,
        measure=lambda: sampler.measure_memory(),
        latest=lambda: sampler.memory,
        tell=told.append,
    )
    yield holding
    holding.release()


def level_above(sampler, percent):
    return sampler.measure_memory().percent + percent


def test_the_first_request_brings_the_service_to_the_level_and_never_over_it(holding, sampler):
    level = level_above(sampler, 10)
    holding.hold(HoldMemory(percent=level, seconds=20))
    reading = sampler.measure_memory().percent
    assert level - 1 - NOISE_PERCENT <= reading <= level + NOISE_PERCENT
    assert holding.held_bytes > 30 * MEBIBYTE


def test_what_is_held_is_told_whenever_it_changes(holding, sampler, told):
    holding.hold(HoldMemory(percent=level_above(sampler, 10), seconds=20))
    assert told[-1] == holding.held_bytes
    holding.release()
    assert told[-1] == 0


def test_what_the_host_cannot_spare_is_refused_and_nothing_is_held(sampler):
    host = psutil.virtual_memory().total
    holding = MemoryHolding(
        limit=sampler.memory_limit._replace(limit_bytes=2 * host),
        measure=sampler.measure_memory,
        latest=lambda: sampler.memory,
    )
    with pytest.raises(FaultRejected, match="the host can spare") as rejected:
        holding.hold(HoldMemory(percent=90, seconds=0.1))
    assert rejected.value.reason == "refused"
    assert holding.held_bytes == 0


def test_at_level_a_request_costs_no_measurement(holding, sampler):
    fault = HoldMemory(percent=level_above(sampler, 5), seconds=20)
    holding.hold(fault)
    sampler.measurements = 0
    for _ in range(50):
        holding.hold(fault)
    assert sampler.measurements == 0


def test_concurrent_requests_share_one_holding(holding, sampler):
    level = level_above(sampler, 10)
    gate = threading.Barrier(16)

    def hold():
        gate.wait()
        for _ in range(5):
            holding.hold(HoldMemory(percent=level, seconds=20))

    threads = [threading.Thread(target=hold) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reading = sampler.measure_memory().percent
    assert level - 2 - NOISE_PERCENT <= reading <= level + NOISE_PERCENT


def test_what_grows_beside_it_is_given_back(holding, sampler):
    level = level_above(sampler, 10)
    holding.hold(HoldMemory(percent=level, seconds=20))
    # Pages of its own: the allocator might give some that earlier tests left resident.
    beside = mmap.mmap(-1, 12 * MEBIBYTE)
    for page in range(0, len(beside), mmap.PAGESIZE):
        beside[page] = 1
    assert sampler.measure_memory().percent > level
    holding.hold(HoldMemory(percent=level, seconds=20))
    reading = sampler.measure_memory().percent
    assert level - 1 - NOISE_PERCENT <= reading <= level + NOISE_PERCENT
    beside.close()


def test_a_lower_level_is_reached_too(holding, sampler):
    base = sampler.measure_memory().percent
    holding.hold(HoldMemory(percent=base + 10, seconds=20))
    holding.hold(HoldMemory(percent=base + 4, seconds=20))
    reading = sampler.measure_memory().percent
    assert base + 3 - NOISE_PERCENT <= reading <= base + 4 + NOISE_PERCENT


def test_a_level_below_what_the_service_uses_holds_nothing(holding):
    holding.hold(HoldMemory(percent=0.5, seconds=20))
    assert holding.held_bytes == 0


def await_that(condition):
    """Wait for it, and return whether it came."""
    deadline = time.monotonic() + 20
    tick = threading.Event()
    while not (came := condition()) and time.monotonic() < deadline:
        tick.wait(0.01)
    return came


def await_release(holding):
    return await_that(lambda: holding.held_bytes == 0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_measurement_that_fails_at_a_leases_end_leaves_the_next_lease_its_end(holding, sampler):
    level = level_above(sampler, 5)
    holding.hold(HoldMemory(percent=level, seconds=0.2))
    sampler.broken = True
    assert await_release(holding)
    sampler.broken = False
    holding.hold(HoldMemory(percent=level, seconds=0.2))
    assert await_release(holding)


def test_all_of_it_is_released_when_the_lease_ends_and_the_gauge_shows_it(holding, sampler):
    base = sampler.measure_memory().percent
    holding.hold(HoldMemory(percent=base + 10, seconds=2.0))
    assert sampler.memory.percent > base + 8
    assert await_release(holding)
    assert await_that(lambda: sampler.memory.percent < base + 2)  # it is measured a moment later


def test_each_request_renews_the_lease(holding, sampler):
    level = level_above(sampler, 3)
    started = time.monotonic()
    holding.hold(HoldMemory(percent=level, seconds=0.3))
    holding.hold(HoldMemory(percent=level, seconds=1.2))
    assert await_release(holding)
    assert time.monotonic() - started >= 1.2


def test_after_a_release_it_can_be_held_again(holding, sampler):
    level = level_above(sampler, 5)
    holding.hold(HoldMemory(percent=level, seconds=20))
    holding.release()
    assert holding.held_bytes == 0
    holding.hold(HoldMemory(percent=level, seconds=20))
    assert holding.held_bytes > 0
