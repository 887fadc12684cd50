"""The control group that a run's containers have in common, and what it weighs.

Design rule: it is the run's own and goes with it, and the engine's stays as it is; where this
process may make none, as it is not root or the engine leaves its groups to systemd, there is none.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from docker import DockerClient

from stack.waiting import wait_until

__all__ = ["RunGroup"]

CONTROL_GROUPS = Path("/sys/fs/cgroup")

WEIGHS = 8
"""So much more than one session of processes, where processors are short. Without a group of their
own all containers of an engine weigh as one. Seen at ``pytest checks --stack=containers`` while the
engine started others: half of all scrapes took over 138 ms, and with 8 none of the halves 10."""

SHARES, WEIGHT = 1024, 100
"""What one weighs by default, in control groups v1 and v2 (cgroups(7))."""

BY_PATH = "cgroupfs"
"""The engine's own way to keep control groups; the other is to have systemd keep them."""

LOCAL = "http+docker://"
"""How docker-py writes the address of an engine behind a socket of this machine."""

EMPTY_SECONDS = 10.0


class RunGroup:
    """The group of one run."""

    def __init__(self, run: str, root: Path = CONTROL_GROUPS) -> None:
        """Name the group of a run, below `root`, where control groups are mounted."""
        self._name = f"alertproof-{run}"
        self._root = root
        self.parent = ""

    def make(self, client: DockerClient) -> None:
        """Make it where that can be done; then `parent` is what the engine is told of it."""
        if not client.api.base_url.startswith(LOCAL) or client.info()["CgroupDriver"] != BY_PATH:
            return
        of_v1 = self._root / "cpu"
        weight = (
            (of_v1 / self._name / "cpu.shares", SHARES)
            if of_v1.is_dir()
            else (self._root / self._name / "cpu.weight", WEIGHT)
        )
        file, alone = weight
        with contextlib.suppress(PermissionError):
            file.parent.mkdir()
            if file.exists():
                file.write_text(f"{WEIGHS * alone}\n")
                self.parent = f"/{self._name}"
            else:  # the processor is not shared by groups here
                file.parent.rmdir()

    def remove(self) -> None:
        """Remove it, in each hierarchy where the engine made one of its name.

        Raises OSError where containers are in it.
        """
        for found in (self._root / self._name, *self._root.glob(f"*/{self._name}")):
            with contextlib.suppress(FileNotFoundError):
                found.rmdir()

    def remove_once_empty(self) -> None:
        """Remove it once its containers, which were removed, have left it.

        Raises stack.waiting.WaitTimeout where they don't.
        """

        def removed() -> bool:
            self.remove()
            return True

        wait_until(
            removed,
            what=f"the control group {self._name} to be empty",
            timeout_seconds=EMPTY_SECONDS,
            interval_seconds=0.1,
            retry_on=(OSError,),
        )
