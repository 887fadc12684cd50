"""The lease on held memory, of one process and of workers that share a directory."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from instrumentation.faults.contract import MAX_FAULT_SECONDS, FaultRejected
from instrumentation.faults.lease import Lease


def test_a_lease_runs_out_after_its_seconds_and_can_be_renewed(directory, clock):
    lease = Lease(directory=directory, clock=clock)
    assert lease.remaining_seconds() <= 0
    lease.renew(2.0)
    clock.now += 1.5
    assert lease.remaining_seconds() == pytest.approx(0.5)
    lease.renew(2.0)
    assert lease.remaining_seconds() == pytest.approx(2.0)
    clock.now += 2.0
    assert lease.remaining_seconds() <= 0


def test_a_renewal_by_any_worker_is_one_for_all(tmp_path, clock):
    one, other = (Lease(directory=tmp_path, clock=clock) for _ in range(2))
    one.renew(2.0)
    clock.now += 1.5
    other.renew(2.0)
    assert one.remaining_seconds() == pytest.approx(2.0)


def test_ending_it_in_one_worker_leaves_the_others_theirs(tmp_path, clock):
    one, other = (Lease(directory=tmp_path, clock=clock) for _ in range(2))
    one.renew(2.0)
    other.renew(2.0)
    one.end()
    assert one.remaining_seconds() <= 0
    assert other.remaining_seconds() == pytest.approx(2.0)


def test_what_another_boots_clock_left_behind_holds_no_longer_than_any_lease(tmp_path, clock):
    lease = Lease(directory=tmp_path, clock=clock)
    clock.now = 1e9
    lease.renew(2.0)
    clock.now = 10.0
    lease.renew(2.0)
    assert lease.remaining_seconds() == MAX_FAULT_SECONDS


def test_a_lease_that_the_other_workers_can_not_be_told_of_is_refused(tmp_path, clock):
    lease = Lease(directory=tmp_path / "gone", clock=clock)
    with pytest.raises(FaultRejected) as rejected:
        lease.renew(2.0)
    assert rejected.value.reason == "refused"
    assert lease.remaining_seconds() <= 0


def test_alone_a_process_is_always_the_sole_one(clock):
    lease = Lease(directory=None, clock=clock)
    with lease.sole() as one, lease.sole() as other:
        assert (one, other) == (True, True)


def test_one_worker_at_a_time_is_the_sole_one(tmp_path, clock):
    mine, theirs = (Lease(directory=tmp_path, clock=clock) for _ in range(2))
    with mine.sole() as one:
        assert one
        with theirs.sole() as other:
            assert not other
    with theirs.sole() as other:
        assert other


HOLDER = """
import sys, time
from pathlib import Path
from instrumentation.faults.lease import Lease
with Lease(directory=Path(sys.argv[1]), clock=time.monotonic).sole() as sole:
    print(sole, flush=True)
    sys.stdin.read()
"""


def test_the_death_of_the_sole_worker_lets_the_next_one_in(tmp_path):
    lease = Lease(directory=tmp_path, clock=time.monotonic)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as holder:
        assert holder.stdout.readline() == b"True\n"
        with lease.sole() as sole:
            assert not sole
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with lease.sole() as sole:
            assert sole
