"""The control groups that a run's containers have in common, and what they weigh.

Design rule: they are the run's own and go with it, and the engine's stays as it is; where this
process may make none, as it is not root or the engine leaves its groups to systemd, there is none.
"""

from __future__ import annotations

from pathlib import Path

from docker import DockerClient

from stack.waiting import WaitTimeout, wait_until

__all__ = ["YIELDING_SHARES", "RunGroup"]

CONTROL_GROUPS = Path("/sys/fs/cgroup")

WEIGHS = 8
"""So much more than one session of processes, where processors are short. Without a group of their
own all containers of an engine weigh as one. Seen at ``pytest checks --stack=containers`` while the
engine started others: half of all scrapes took over 138 ms, and with 8 none of the halves 10."""

YIELDING_WEIGHS = 0.1
"""Of those that give way: in the others' group they would have its weight while these rest."""

SHARES, WEIGHT = 1024, 100
"""What one weighs by default, in control groups v1 and v2 (cgroups(7))."""

YIELDING_SHARES = int(YIELDING_WEIGHS * SHARES)
"""What the engine is told of a container that gives way: it counts where there is no group."""

BY_PATH = "cgroupfs"
"""The engine's own way to keep control groups; the other is to have systemd keep them."""

LOCAL = "http+docker://localhost"
"""How docker-py writes the address of an engine behind a socket of this machine."""

EMPTY_SECONDS = 10.0


class RunGroup:
    """The groups of one run: of most containers, and of those that give way to all else."""

    def __init__(self, run: str, root: Path = CONTROL_GROUPS) -> None:
        """Name the groups of a run, below `root`, where control groups are mounted."""
        self._name = f"alertproof-{run}"
        self._root = root
        self.parent = ""
        self.yielding_parent = ""

    def make(self, client: DockerClient) -> None:
        """Make both where that can be done; then the engine is told of them as parents."""
        if client.api.base_url == LOCAL and client.info().get("CgroupDriver") == BY_PATH:
            self.parent = self._make(self._name, WEIGHS)
            self.yielding_parent = self._make(self._yielding, YIELDING_WEIGHS)

    def parent_of(self, *, yields: bool) -> str:
        """Return what the engine is told as the parent of a container; "" for its own."""
        return self.yielding_parent if yields else self.parent

    def remove(self) -> None:
        """Remove them, in each hierarchy where the engine made one of their names.

        Raises OSError where containers are in one, once the others are removed.
        """
        busy: list[OSError] = []
        for name in (self._name, self._yielding):
            for found in (self._root / name, *self._root.glob(f"*/{name}")):
                try:
                    found.rmdir()
                except FileNotFoundError:
                    continue  # as the engine made none here, or somebody was quicker
                except OSError as error:
                    busy.append(error)
        if busy:
            raise busy[0]

    def remove_once_empty(self) -> None:
        """Remove them once their containers, which were removed, have left.

        Raises OSError where they don't.
        """

        def removed() -> bool:
            self.remove()
            return True

        try:
            wait_until(
                removed,
                what=f"the control groups {self._name}* to be empty",
                timeout_seconds=EMPTY_SECONDS,
                interval_seconds=0.1,
                retry_on=(OSError,),
            )
        except WaitTimeout:
            self.remove()

    @property
    def _yielding(self) -> str:
        return f"{self._name}-yielding"

    def _make(self, name: str, weighs: float) -> str:
        """Make one and return what the engine calls it; "" where that can't be done."""
        of_v1 = self._root / "cpu"
        file, alone = (
            (of_v1 / name / "cpu.shares", SHARES)
            if of_v1.is_dir()
            else (self._root / name / "cpu.weight", WEIGHT)
        )
        try:
            file.parent.mkdir()
        except OSError:  # not root's, read-only, or not mounted
            return ""
        try:
            # Where groups don't share the processor there is no such file.
            with file.open("r+", encoding="ascii") as shares:
                shares.write(f"{weighs * alone:.0f}\n")
        except OSError:
            file.parent.rmdir()
            return ""
        return f"/{name}"
