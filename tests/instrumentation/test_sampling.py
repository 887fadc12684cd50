import mmap
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from instrumentation.cgroup import MemoryCgroup
from instrumentation.limits import CpuLimit, MemoryLimit
from instrumentation.process_tree import ProcessTree, declare_service_root, service_root_pid
from instrumentation.sampling import ResourceSampler

MEBIBYTE = 1 << 20


def sampler(limit_bytes=256 * MEBIBYTE, cgroup=None):
    return ResourceSampler(
        memory_limit=MemoryLimit(
            limit_bytes=limit_bytes,
            source="cgroup" if cgroup else "configured",
            considered={},
            cgroup=cgroup,
        ),
        cpu_limit=CpuLimit(cores=1.0, source="configured", considered={}),
    )


@pytest.fixture
def child():
    """A process that uses some CPU, says so, and waits."""
    program = "sum(range(3_000_000)); print('done', flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()


def test_the_tree_is_this_process_and_its_children(child):
    assert set(ProcessTree(os.getpid()).pids()) >= {os.getpid(), child.pid}
    assert ProcessTree(child.pid).pids() == (child.pid,)


def test_memory_of_the_tree_counts_shared_pages_once():
    held = mmap.mmap(-1, 64 * MEBIBYTE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    held[:: mmap.PAGESIZE] = bytes(len(held) // mmap.PAGESIZE)
    before = ProcessTree(os.getpid()).memory()
    pid = os.fork()
    if pid == 0:
        signal.pause()
    try:
        after = ProcessTree(os.getpid()).memory()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        held.close()
    counted_twice = after.rss_bytes - before.rss_bytes
    assert counted_twice > 48 * MEBIBYTE
    # What a child of a large process writes to by itself grows with that process.
    assert after.pss_bytes - before.pss_bytes < counted_twice / 4


def test_cpu_seconds_never_go_back_when_a_child_ends(child):
    tree = ProcessTree(os.getpid())
    with_child = tree.cpu_seconds()
    assert with_child >= time.process_time()
    child.kill()
    gone = tree.cpu_seconds()
    child.wait()
    assert with_child <= gone <= tree.cpu_seconds()


def test_cpu_percent_is_primed_then_tells_the_last_period(monkeypatch):
    one = sampler()
    assert one.cpu_percent == 0.0
    readings = []
    for seconds in (0.2, 0.0):
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass
        threading.Event().wait(0.06)
        one.sample()
        readings.append(one.cpu_percent)
    assert readings[0] > readings[1]
    assert readings[0] > 5


def test_percent_is_measured_against_the_limit_in_force():
    memory = sampler(limit_bytes=512 * MEBIBYTE).measure_memory()
    assert memory.percent == pytest.approx(100 * memory.used_bytes / (512 * MEBIBYTE))
    assert memory.used_bytes == pytest.approx(psutil.Process().memory_full_info().pss, rel=0.5)


def test_against_a_control_groups_limit_its_own_accounting_counts(tmp_path):
    (tmp_path / "memory.current").write_text("800\n")
    (tmp_path / "memory.stat").write_text("inactive_file 300\n")
    one = sampler(1000, MemoryCgroup(directory=tmp_path, version=2, limit_bytes=1000))
    assert (one.memory.used_bytes, one.memory.percent) == (500, 50.0)
    assert one.measured_as == "cgroup"


def test_the_service_starts_at_the_declared_master_if_it_is_ours():
    try:
        declare_service_root(os.getppid())
        assert service_root_pid() == os.getppid()
        declare_service_root(1 if os.getppid() != 1 else 2)
        assert service_root_pid() == os.getpid()
    finally:
        declare_service_root(os.getpid())


def test_every_resource_metric_is_exposed(make_app, value):
    app = make_app(memory_limit_bytes=512 * MEBIBYTE, cpu_limit_cores=0.25)
    assert value(app, "softfactory_up") == 1
    assert value(app, "softfactory_memory_limit_bytes") == 512 * MEBIBYTE
    assert value(app, "softfactory_cpu_limit_cores") == 0.25
    assert 0 < value(app, "softfactory_memory_percent") < 100
    assert value(app, "softfactory_memory_used_bytes") > MEBIBYTE
    assert 1 < value(app, "softfactory_memory_rss_mb") < 5000
    assert value(app, "softfactory_cpu_percent") >= 0
    assert value(app, "softfactory_uptime_seconds") > 0
    first = value(app, "softfactory_cpu_seconds_total")
    assert value(app, "softfactory_cpu_seconds_total") >= first > 0


def test_between_exact_readings_growth_is_followed_without_walking_every_page():
    tree = ProcessTree(os.getpid())
    before = tree.memory(exact=True).pss_bytes
    small, large = (
        mmap.mmap(-1, size * MEBIBYTE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for size in (1, 32)
    )
    try:
        small[: MEBIBYTE // 2 : mmap.PAGESIZE] = bytes(MEBIBYTE // 2 // mmap.PAGESIZE)
        followed = tree.memory(exact=False).pss_bytes
        assert 0 <= followed - before < 2 * MEBIBYTE
        large[:: mmap.PAGESIZE] = bytes(len(large) // mmap.PAGESIZE)
        assert tree.memory(exact=False).pss_bytes - before > 30 * MEBIBYTE
    finally:
        small.close()
        large.close()
