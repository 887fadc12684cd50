"""What the kernel's control groups allow this process, versions 1 and 2; files are only read.

A limit may be set at any level above the process, so all levels that are visible are asked and
the tightest one is given, with the directory in which the kernel accounts for it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}


class MemoryCgroup(NamedTuple):
    """The control group whose memory limit is the tightest."""

    directory: Path
    version: int
    limit_bytes: int

    def used_bytes(self) -> int:
        """Return the memory that counts against the limit, less file cache that can be dropped.

        Raises OSError when the group cannot be read any more.
        """
        _, usage_name, inactive_name = _FILES[self.version]
        usage = int((self.directory / usage_name).read_text())
        for line in (self.directory / "memory.stat").read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == inactive_name:
                return max(0, usage - int(value))
        return usage


def memory_cgroup(*, below_bytes: int, root: Path = Path("/")) -> MemoryCgroup | None:
    """Return the group with the tightest memory limit, or None without one under `below_bytes`.

    `below_bytes` is the host's memory: version 1 writes a huge number for "no limit". `root` is
    where `/proc` and the control group file systems are found.
    """
    found: MemoryCgroup | None = None
    for directory, version in _levels("memory", root):
        limit = _integer(directory / _FILES[version][0])
        if limit is not None and limit < (found.limit_bytes if found else below_bytes):
            found = MemoryCgroup(directory=directory, version=version, limit_bytes=limit)
    return found


def cpu_quota_cores(*, root: Path = Path("/")) -> float | None:
    """Return the tightest CPU quota in cores, or None where no quota is set."""
    quotas = [
        quota
        for directory, version in _levels("cpu", root)
        if (quota := _quota(directory, version)) is not None
    ]
    return min(quotas, default=None)


def _quota(directory: Path, version: int) -> float | None:
    if version == 1:
        quota = _integer(directory / "cpu.cfs_quota_us")
        period = _integer(directory / "cpu.cfs_period_us")
    else:
        text = _read(directory / "cpu.max")
        first, _, second = (text or "").partition(" ")
        quota = int(first) if first.isdigit() else None
        period = int(second) if second.isdigit() else None
    if not quota or quota < 0 or not period:
        return None
    return quota / period


def _levels(controller: str, root: Path) -> Iterator[tuple[Path, int]]:
    """Yield the controller's directories, from the process's own group up to the mount."""
    found = _membership(controller, root)
    if found is None:
        return
    path, version = found
    mount = _mount(controller, version, root)
    if mount is None:
        return
    mounted_from, mount_point = mount
    base = root / mount_point.lstrip("/")
    inside = _relative(path, mounted_from)
    directory = base / inside
    while True:
        yield directory, version
        if directory == base:
            return
        directory = directory.parent


def _membership(controller: str, root: Path) -> tuple[str, int] | None:
    """Return the process's group path and the version that has this controller."""
    unified: str | None = None
    for line in (_read(root / "proc/self/cgroup") or "").splitlines():
        number, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path, 1
        if number == "0":
            unified = path
    return None if unified is None else (unified, 2)


def _mount(controller: str, version: int, root: Path) -> tuple[str, str] | None:
    """Return (the group that is mounted, where) for a controller's file system."""
    for line in (_read(root / "proc/self/mountinfo") or "").splitlines():
        left, _, right = line.partition(" - ")
        mounted_from, mount_point = left.split(" ")[3:5]
        kind, _, options = right.split(" ", 2)
        if version == 2 and kind == "cgroup2":
            return mounted_from, mount_point
        if version == 1 and kind == "cgroup" and controller in options.split(","):
            return mounted_from, mount_point
    return None


def _relative(path: str, mounted_from: str) -> str:
    """Return the group's path below the mount; a container often mounts its own group alone."""
    if ".." in path.split("/"):  # a namespace root above which nothing can be seen
        return ""
    prefix = mounted_from.rstrip("/")
    if path == prefix or path.startswith(f"{prefix}/"):
        return path.removeprefix(prefix).strip("/")
    return ""


def _integer(path: Path) -> int | None:
    text = _read(path)
    try:
        return int(text) if text is not None else None
    except ValueError:  # "max"
        return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:  # not on this system, or not at this level
        return None
