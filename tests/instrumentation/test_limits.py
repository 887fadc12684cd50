"""Trees of files as the kernel would show them, for both versions of control groups."""

import os

import psutil
import pytest

from instrumentation.cgroup import cpu_quota_cores, memory_cgroup
from instrumentation.limits import cpu_limit, memory_limit

HUGE = 9223372036854771712  # what version 1 writes for "no limit"
HOST = 8 << 30

V1_MOUNTS = """\
25 20 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
30 25 0:26 {from_} /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory
31 25 0:27 {from_} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""
V2_MOUNTS = "30 25 0:26 {from_} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


@pytest.fixture
def write(tmp_path):
    def write_file(path, content):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n")

    return write_file


def v1(write, *, group="/job/task", from_="/"):
    write("proc/self/cgroup", f"9:name=systemd:/\n4:memory:{group}\n2:cpu,cpuacct:{group}\n0::/")
    write("proc/self/mountinfo", V1_MOUNTS.format(from_=from_))


def v2(write, *, group="/job/task", from_="/"):
    write("proc/self/cgroup", f"0::{group}")
    write("proc/self/mountinfo", V2_MOUNTS.format(from_=from_))


def test_version_1_less_inactive_file_of_the_whole_group(write, tmp_path):
    v1(write)
    base = "sys/fs/cgroup/memory/job/task"
    write(f"{base}/memory.limit_in_bytes", 1000)
    write(f"{base}/memory.usage_in_bytes", 800)
    write(f"{base}/memory.stat", "inactive_file 1\ntotal_cache 300\ntotal_inactive_file 250")
    group = memory_cgroup(below_bytes=HOST, root=tmp_path)
    assert (group.limit_bytes, group.used_bytes()) == (1000, 550)


def test_version_2_less_inactive_file(write, tmp_path):
    v2(write)
    base = "sys/fs/cgroup/job/task"
    write(f"{base}/memory.max", 1000)
    write(f"{base}/memory.current", 800)
    write(f"{base}/memory.stat", "anon 500\ninactive_file 250\nactive_file 50")
    group = memory_cgroup(below_bytes=HOST, root=tmp_path)
    assert (group.limit_bytes, group.used_bytes()) == (1000, 550)


@pytest.mark.parametrize(
    ("version", "unlimited", "name", "base"),
    [
        (v1, HUGE, "memory.limit_in_bytes", "sys/fs/cgroup/memory"),
        (v2, "max", "memory.max", "sys/fs/cgroup"),
    ],
)
class TestMemoryOfBothVersions:
    def test_no_limit_is_none(self, write, tmp_path, version, unlimited, name, base):
        version(write)
        write(f"{base}/job/task/{name}", unlimited)
        assert memory_cgroup(below_bytes=HOST, root=tmp_path) is None

    def test_a_tighter_group_above_is_in_force(
        self, write, tmp_path, version, unlimited, name, base
    ):
        version(write)
        write(f"{base}/job/task/{name}", 3000)
        write(f"{base}/job/{name}", 2000)
        write(f"{base}/{name}", unlimited)
        group = memory_cgroup(below_bytes=HOST, root=tmp_path)
        assert (group.limit_bytes, group.directory) == (2000, tmp_path / base / "job")

    def test_a_container_that_sees_its_own_group_as_the_top(
        self, write, tmp_path, version, unlimited, name, base
    ):
        version(write, group="/docker/abc", from_="/docker/abc")
        write(f"{base}/{name}", 2000)
        group = memory_cgroup(below_bytes=HOST, root=tmp_path)
        assert group.directory == tmp_path / base

    def test_a_container_in_a_group_namespace(
        self, write, tmp_path, version, unlimited, name, base
    ):
        version(write, group="/", from_="/")
        write(f"{base}/{name}", 2000)
        assert memory_cgroup(below_bytes=HOST, root=tmp_path).limit_bytes == 2000


def test_a_system_without_control_groups_has_no_limits(tmp_path):
    assert memory_cgroup(below_bytes=HOST, root=tmp_path) is None
    assert cpu_quota_cores(root=tmp_path) is None


def test_cpu_quota_of_version_1_and_2(write, tmp_path):
    v1(write)
    base = "sys/fs/cgroup/cpu,cpuacct/job/task"
    write(f"{base}/cpu.cfs_quota_us", -1)
    write(f"{base}/cpu.cfs_period_us", 100000)
    assert cpu_quota_cores(root=tmp_path) is None
    write(f"{base}/cpu.cfs_quota_us", 50000)
    assert cpu_quota_cores(root=tmp_path) == 0.5
    v2(write)
    write("sys/fs/cgroup/job/task/cpu.max", "max 100000")
    assert cpu_quota_cores(root=tmp_path) is None
    write("sys/fs/cgroup/job/cpu.max", "25000 100000")
    assert cpu_quota_cores(root=tmp_path) == 0.25


def test_the_smallest_memory_limit_is_in_force_and_is_named(write, tmp_path):
    v2(write)
    write("sys/fs/cgroup/job/task/memory.max", 64 << 20)
    configured = memory_limit(32 << 20, root=tmp_path)
    assert (configured.source, configured.limit_bytes) == ("configured", 32 << 20)
    assert configured.cgroup is None
    grouped = memory_limit(128 << 20, root=tmp_path)
    assert (grouped.source, grouped.limit_bytes) == ("cgroup", 64 << 20)
    assert grouped.cgroup is not None
    assert dict(grouped.considered).keys() == {"host", "configured", "cgroup"}
    host = memory_limit(None, root=tmp_path / "nothing")
    assert (host.source, host.limit_bytes) == ("host", psutil.virtual_memory().total)


def test_the_smallest_cpu_limit_is_in_force_and_is_named(write, tmp_path):
    assert cpu_limit(0.2, root=tmp_path).source == "configured"
    assert cpu_limit(None, root=tmp_path).cores <= (os.cpu_count() or 1)
    v2(write)
    write("sys/fs/cgroup/job/task/cpu.max", "10000 100000")
    assert (cpu_limit(0.2, root=tmp_path).source, cpu_limit(0.2, root=tmp_path).cores) == (
        "cgroup",
        0.1,
    )
