"""Premises whose main watchers and shared Elasticsearch are services of production's compose file.

Design rule: a part that is called as a service of that file is that service, and every other part
is a container as with `--stack=containers`; whoever uses one can't tell which it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from docker.errors import APIError
from docker.models.containers import Container as EngineContainer
from requests import RequestException

from stack.compose.failure import StackFailure
from stack.launch.composed.given import give
from stack.launch.composed.override import Served, with_flags
from stack.launch.composed.project import PREPARE, ComposeProject
from stack.launch.composed.watcher import Watcher
from stack.launch.containers.container import Container
from stack.launch.containers.premises import Containers
from stack.launch.containers.server import Server
from stack.launch.premises import Part, Program
from stack.launch.starting import LaunchError
from stack.ports import LOOPBACK
from stack.processes import Processes
from stack.timescale import Change
from stack.yamlfile import ConfigurationError

__all__ = ["Composed"]

WATCHERS = ("alertmanager", "prometheus")
ELASTICSEARCH = "elasticsearch"
SERVICES = frozenset({*WATCHERS, ELASTICSEARCH})
"""The services of production's file that are parts of a run."""

PORTS = {"prometheus": 9090, "alertmanager": 9093}
"""Of loopback in production's configuration, which `prepare` makes a container's of."""

PREPARED_SECONDS = 60


class Composed(Containers):
    """`stack.launch.premises.Premises`, of production's compose file as far as it goes."""

    def __init__(
        self,
        processes: Processes,
        directory: Path,
        image_of: Callable[[Program], str],
        compose: Sequence[str],
        say: Callable[[str], None],
        *,
        readable: Sequence[Path] = (),
    ) -> None:
        """Prepare premises; `compose` is what `docker compose` is started with."""
        super().__init__(processes, directory, image_of, readable=readable)
        self._say = say
        self._home = directory.absolute() / "compose"
        self._project = ComposeProject(
            f"alertproof-{self.run}",
            self._home,
            compose,
            network=f"alertproof-{self.run}",
            labels=self._labels,
        )
        self._watchers: dict[str, Part] = {}
        self._entered = ExitStack()

    @property
    def changes(self) -> Sequence[Change]:
        """What the watchers have otherwise than production's compose file says."""
        return self._project.changes

    def start(self, part: Part) -> Container:
        """Start a container, or start a watcher of the compose file again once it has ended.

        Raises LaunchError where the engine refuses it.
        """
        if part.name not in self._watchers:
            return super().start(part)
        container = self._register.of(part.name)
        container.start_again()
        return container

    def start_together(self, parts: Sequence[Part]) -> Sequence[Container]:
        """Start several; Prometheus and Alertmanager of these names as services of the file.

        Raises LaunchError where compose or the engine refuses one, or `prepare` refuses what it
        was given.
        """
        named = {part.name: part for part in parts}
        if sorted(named) != sorted(WATCHERS):
            return super().start_together(parts)
        try:
            self._give(named)
            self._up(PREPARE)
            self._wait_prepared()
            for name in WATCHERS:  # each alone, or compose waits until one is well for the next
                self._up(name)
        except (StackFailure, ConfigurationError) as failure:
            raise LaunchError(f"docker compose: {failure}") from failure
        self._watchers = named
        left = (one for one in self._project.services if one not in {PREPARE, *SERVICES})
        self._say(f"compose: left out, as no drill asks for them: {', '.join(left)}")
        return [self._adopted(part) for part in parts]

    def serve(self, server: Server) -> Container:
        """Start what runs as its image says; the shared Elasticsearch as a service of the file.

        Raises LaunchError where compose or the engine refuses it.
        """
        if server.name != ELASTICSEARCH or not self._watchers:
            return super().serve(server)
        served = Served(
            address=self._address(server.name),
            environment=server.environment,
            cpu_shares=server.cpu_shares,
            cgroup_parent=self._group.parent_of(yields=server.yields),
        )
        try:
            self._project.change({server.name: served})
            self._up(server.name)
        except StackFailure as failure:
            raise LaunchError(f"docker compose: {failure}") from failure
        container = Container(self._full(server.name), self._made(server.name), self._network)
        self._register.add(server.name, container)
        return container

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            super().__enter__()
            starting.callback(super().__exit__)
            starting.enter_context(self._project)
            self._entered = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._entered.close()

    def _up(self, name: str) -> None:
        with self._asking(name):
            self._project.up(name)

    def _give(self, parts: dict[str, Part]) -> None:
        """Have `prepare` and the watchers given what is this run's."""
        addresses = {
            self.place(name, port).address: f"{LOOPBACK}:{port}" for name, port in PORTS.items()
        }
        given = give(parts["prometheus"].directory, self._home, addresses)
        self._project.keep_secrets(given.secrets)
        said = self._project.said
        files = {"prometheus": given.prometheus, "alertmanager": given.alertmanager}
        changed = {
            name: Served(
                address=self._address(name),
                command=with_flags(said[name].command, part.arguments, service=name),
                files=files[name],
                cgroup_parent=self._group.parent,
            )
            for name, part in parts.items()
        }
        prepare = Served(files=given.prepare, cgroup_parent=self._group.parent)
        self._project.change({PREPARE: prepare, **changed})

    def _prepare_again(self) -> None:
        """Have the volumes filled anew, as production's file says of a change of its files."""
        self._made(PREPARE).start()
        self._wait_prepared()

    def _wait_prepared(self) -> None:
        made = self._made(PREPARE)
        try:
            status = int(made.wait(timeout=PREPARED_SECONDS)["StatusCode"])
        except (APIError, RequestException) as error:
            raise LaunchError(f"{PREPARE} did not end: {error}") from error
        if status != 0:
            said = made.logs(tail=1).decode(errors="replace").strip()
            raise LaunchError(f"{PREPARE} ended with status {status}: {said}")

    def _adopted(self, part: Part) -> Container:
        """Return the container of a watcher, which is one of the run's from now on."""
        container = Watcher(
            self._full(part.name),
            self._made(part.name),
            self._network,
            log=part.log,
            prepare=self._prepare_again,
        )
        self._register.add(part.name, container)
        return container

    def _full(self, name: str) -> str:
        return self._project.container(name) if name in SERVICES else super()._full(name)

    def _made(self, service: str) -> EngineContainer:
        return self._client.containers.get(self._project.container(service))

    def _address(self, name: str) -> str:
        return self._network.address_of(self._full(name))
