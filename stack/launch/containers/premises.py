"""Starts the parts of a run as containers of one network, through testcontainers.

Design rule: each container sees the run's folder at the path that it has on this machine, so that
no path has two names, and nothing else of this machine; it has no capability and gains none.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Self

from docker.errors import DockerException
from docker.types import LogConfig
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from stack.go_runtime import FRUGAL
from stack.launch.containers.container import Container
from stack.launch.containers.engine import connect
from stack.launch.containers.group import RunGroup
from stack.launch.containers.network import RunNetwork
from stack.launch.containers.register import Register
from stack.launch.containers.removal import remove_all, start_reaper
from stack.launch.containers.server import Server
from stack.launch.premises import ANY_PORT, Limits, Part, Program
from stack.launch.starting import LaunchError
from stack.ports import Fixed
from stack.processes import Processes
from stack.timescale import Change

__all__ = ["LABEL", "Containers"]

LABEL = "alertproof.run"
"""The label of everything that a run makes; its value is the run's id."""

FIRST_PORT = 8000
AT_ONCE = 8
GRACE_SECONDS = 5.0

COMMANDS: Mapping[Program, Sequence[str]] = {
    "prometheus": ("prometheus",),
    "alertmanager": ("alertmanager",),
    "python": ("python3",),
}
"""What each program is called in its image."""

# Its output goes to its file as that of a process does; the engine keeps none.
_INTO_LOG = 'log=$1; shift; exec "$@" >>"$log" 2>&1'
_ERRORS_INTO_LOG = 'log=$1; shift; exec "$@" 2>>"$log"'

_SHORT_LOG = LogConfig(type="json-file", config={"max-size": "1m"})
"""Of what has no file of ours: for its last words."""


class Containers:
    """`stack.launch.premises.Premises` in containers. A context manager."""

    apart = True

    def __init__(
        self,
        processes: Processes,
        directory: Path,
        image_of: Callable[[Program], str],
        *,
        readable: Sequence[Path] = (),
    ) -> None:
        """Prepare containers that see `directory`, and may read what is `readable` besides."""
        self._processes = processes
        self._directory = directory.absolute()
        self._image_of = image_of
        self._readable = [path.absolute() for path in readable]
        self.run = secrets.token_hex(6)
        self._label = f"{LABEL}={self.run}"
        self._labels = {LABEL: self.run}
        self._group = RunGroup(self.run)
        self._ports = count(FIRST_PORT)
        self._register = Register()
        # One at a time: for each the engine runs a dozen programs, and where control groups give
        # all containers together the weight of one of those, scrapes wait until they have ended.
        self._turn = threading.Lock()
        self._closed = False
        self._running = ExitStack()

    @property
    def changes(self) -> Sequence[Change]:
        """Nothing: no part is started by production's compose file."""
        return ()

    @property
    def outside(self) -> str:
        """The address of this machine in the run's network."""
        return self._network.gateway

    def place(self, name: str, port: int = ANY_PORT) -> Fixed:
        """Return where the container of that name will be reached: at its own address."""
        return Fixed(self._network.address_of(self._full(name)), port or next(self._ports))

    def start(self, part: Part) -> Container:
        """Start a container, in place of one of the same name that has ended.

        Raises LaunchError where the engine refuses it.
        """
        self._remove(part.name)
        made = DockerContainer(self._image_of(part.program))
        made.with_name(self._full(part.name))
        made.with_envs(**{**({} if part.program == "python" else FRUGAL), **part.environment})
        made.with_volume_mapping(str(self._directory), str(self._directory), "rw")
        for path in self._readable:
            made.with_volume_mapping(str(path), str(path), "ro")
        made.with_kwargs(**self._options(part))
        made.tmpfs = _disks(part.limits)
        made.with_command(
            [
                *("-c", _ERRORS_INTO_LOG if part.spoken_to else _INTO_LOG, "sh", str(part.log)),
                *COMMANDS[part.program],
                *part.arguments,
            ]
        )
        part.log.parent.mkdir(parents=True, exist_ok=True)
        part.log.touch()
        container = self._started(part.name, made)
        if part.spoken_to:
            container.speak()
        return container

    def start_together(self, parts: Sequence[Part]) -> Sequence[Container]:
        """Start several, none of which is waited for. Raises LaunchError where one is refused."""
        return [self.start(part) for part in parts]

    def serve(self, server: Server) -> Container:
        """Start what runs as its image says, in place of one of the same name that has ended.

        Raises LaunchError where the engine refuses it.
        """
        self._remove(server.name)
        made = DockerContainer(server.image)
        made.with_name(self._full(server.name))
        made.with_envs(**server.environment)
        for path, given in server.files.items():
            made.with_volume_mapping(str(given), path, "ro")
        made.with_kwargs(
            **self._of_the_run(server.name, yields=server.yields),
            user=server.user,
            cpu_shares=server.cpu_shares,
            log_config=_SHORT_LOG,
        )
        return self._started(server.name, made)

    def stop(self, *names: str) -> None:
        """End containers: SIGTERM to all at once, then SIGKILL to those that remain."""
        found = [self._register.of(name) for name in names]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(_stop, found))

    def kernel_pid(self, name: str, pid: int) -> int:
        """Return how this machine's kernel counts a process of a container.

        Raises ProcessLookupError for one that is not there, or is another user's.
        """
        inside = _namespace_of(self._register.of(name).pid)
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                if _namespace_of(int(status.parent.name)) == inside and _counts(status, pid):
                    return int(status.parent.name)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        raise ProcessLookupError(f"no process of {name} counts as {pid} in its container")

    def exited(self) -> Mapping[str, int]:
        """Return the containers that have ended: name to status (negative: the signal)."""
        return self._register.exited()

    def __enter__(self) -> Self:
        # Ours goes by the label too, needs no image, and is there where Ryuk is not.
        testcontainers_config.ryuk_disabled = True
        with ExitStack() as starting:
            self._client = connect()
            starting.callback(self._client.close)
            start_reaper(self._processes, self._label)
            starting.callback(self._group.remove_once_empty)
            self._group.make(self._client)
            starting.callback(remove_all, self._client, self._label)
            self._network = RunNetwork(self._client, f"alertproof-{self.run}", self._labels)
            self._network.create()
            starting.enter_context(self._register.listening(self._client, self._label))
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        try:
            with self._turn:  # what is being started is there when all is removed
                pass
        finally:
            self._running.close()

    def _full(self, name: str) -> str:
        return f"alertproof-{self.run}-{name}"

    @contextmanager
    def _asking(self, name: str) -> Iterator[None]:
        """Ask the engine for one container at a time, and for none once they are being ended.

        Raises LaunchError then.
        """
        with self._turn:
            if self._closed:
                raise LaunchError(f"cannot start {name}: this run's containers are being ended")
            yield

    def _started(self, name: str, made: DockerContainer) -> Container:
        try:
            with self._asking(name):
                made.start()
        except DockerException as error:
            raise LaunchError(f"the engine did not start {name}: {error}") from error
        container = Container(self._full(name), made.get_wrapped_container(), self._network)
        self._register.add(name, container)
        return container

    def _of_the_run(self, name: str, *, yields: bool = False) -> dict[str, object]:
        """Return what the engine is told of every container."""
        parent = self._group.parent_of(yields=yields)
        return {
            **({"cgroup_parent": parent} if parent else {}),
            "labels": self._labels,
            "network": self._network.name,
            "networking_config": self._network.endpoint(self._full(name)),
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
        }

    def _options(self, part: Part) -> dict[str, object]:
        limits = part.limits
        options: dict[str, object] = {
            **self._of_the_run(part.name),
            "entrypoint": ["/bin/sh"],
            "user": f"{os.getuid()}:{os.getgid()}",  # as the folder is the run's
            "read_only": True,
            "log_config": LogConfig(type="none"),
            "stdin_open": part.spoken_to,
            "init": True,
        }
        if part.program != "python":
            options["working_dir"] = str(part.directory)
        if limits.memory_bytes:
            # No swap beyond it, or the limit would be none.
            options |= {"mem_limit": limits.memory_bytes, "memswap_limit": limits.memory_bytes}
        if limits.cores:
            options["nano_cpus"] = int(limits.cores * 1e9)
        return options

    def _remove(self, name: str) -> None:
        if container := self._register.take(name):
            with self._turn:
                container.remove()


def _disks(limits: Limits) -> dict[str, str]:
    """Return what lies in memory, each with its mount options."""
    owner = f"uid={os.getuid()},gid={os.getgid()}"
    own = {str(path): f"size={size},mode=0755,{owner}" for path, size in limits.disks.items()}
    return {"/tmp": "size=64m,mode=1777", **own}  # noqa: S108 - the container's own


def _stop(container: Container) -> None:
    if container.poll() is None:
        container.terminate(GRACE_SECONDS)


def _namespace_of(pid: int) -> int:
    return Path(f"/proc/{pid}/ns/pid").stat().st_ino


def _counts(status: Path, pid: int) -> bool:
    for line in status.read_text().splitlines():
        if line.startswith("NSpid:"):
            return int(line.split()[-1]) == pid
    return False
