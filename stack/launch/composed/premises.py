"""Premises whose main watchers and shared Elasticsearch are services of production's compose file.

Design rule: a part that is called as a service of that file is that service, and every other part
is a container as with `--stack=containers`; whoever uses one can't tell which it is.
"""

from __future__ import annotations

import signal
import stat
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from docker.errors import APIError
from docker.models.containers import Container as EngineContainer
from requests import RequestException

from stack.compose.credentials import CREDENTIALS
from stack.compose.failure import StackFailure
from stack.launch.checking import ALERTMANAGER_CONFIG, PROMETHEUS_CONFIG, RULES
from stack.launch.composed.override import Served, with_flags
from stack.launch.composed.project import PREPARE, ComposeProject
from stack.launch.composed.put_back import AUTHORITY, alertmanager_for, prometheus_for
from stack.launch.containers.container import Container
from stack.launch.containers.network import RunNetwork
from stack.launch.containers.premises import Containers
from stack.launch.containers.server import Server
from stack.launch.premises import Part, Program
from stack.launch.starting import LaunchError
from stack.processes import Processes
from stack.timescale import Change
from stack.yamlfile import ConfigurationError

__all__ = ["Composed"]

WATCHERS = ("alertmanager", "prometheus")
ELASTICSEARCH = "elasticsearch"
SERVICES = frozenset({*WATCHERS, ELASTICSEARCH})
"""The services of production's file that are parts of a run."""

LOOPBACK = {"prometheus": "127.0.0.1:9090", "alertmanager": "127.0.0.1:9093"}
"""Production's own addresses of the two, which `prepare` makes a container's of."""
PORTS = {"prometheus": 9090, "alertmanager": 9093}

GIVEN = "/given"
"""Where `prepare` reads what it was given; the names are production's files'."""

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
            self._project.up(PREPARE)
            self._wait_prepared()
            for name in WATCHERS:  # each alone, or compose waits until one is well for the next
                self._project.up(name)
        except (StackFailure, ConfigurationError) as failure:
            raise LaunchError(f"docker compose: {failure}") from failure
        self._watchers = named
        left = (one for one in self._project.services if one not in {PREPARE, *SERVICES})
        self._say(f"compose: left out, as no drill asks for them: {', '.join(left)}")
        return [self._adopted(part.name, part.log) for part in parts]

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
        )
        try:
            self._project.change({server.name: served})
            self._project.up(server.name)
        except StackFailure as failure:
            raise LaunchError(f"docker compose: {failure}") from failure
        return self._adopted(server.name)

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            super().__enter__()
            starting.callback(super().__exit__)
            starting.enter_context(self._project)
            self._entered = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._entered.close()

    def _give(self, parts: dict[str, Part]) -> None:
        """Write what `prepare` and the two watchers are given, and what they have otherwise."""
        addresses = {self.place(one, PORTS[one]).address: LOOPBACK[one] for one in WATCHERS}
        directory = parts["prometheus"].directory
        prometheus = prometheus_for(
            (directory / PROMETHEUS_CONFIG).read_text(encoding="utf-8"),
            addresses,
            source=PROMETHEUS_CONFIG,
        )
        _make_readable(prometheus.targets)
        alertmanager = alertmanager_for(
            (directory / ALERTMANAGER_CONFIG).read_text(encoding="utf-8"),
            [each.name for each in CREDENTIALS if each.kind == "channel"],
            source=ALERTMANAGER_CONFIG,
        )
        given = {
            "prometheus-config.yml": prometheus.text,
            "alertmanager-config.yml": alertmanager.text,
        }
        if alertmanager.authority:
            given[AUTHORITY.name] = alertmanager.authority.read_text(encoding="utf-8")
        for name, text in given.items():
            (self._home / name).write_text(text, encoding="utf-8")
            (self._home / name).chmod(0o644)  # read as another user, in a folder of the owner's
        self._project.keep_secrets(alertmanager.secrets)
        said = self._project.said
        authority = {str(AUTHORITY): self._home / AUTHORITY.name} if alertmanager.authority else {}
        files = {"prometheus": {"/etc/prometheus/targets": prometheus.targets}}
        files["alertmanager"] = authority
        self._project.change(
            {
                PREPARE: Served(
                    files={
                        f"{GIVEN}/prometheus-config.yml": self._home / "prometheus-config.yml",
                        f"{GIVEN}/alertmanager-config.yml": self._home / "alertmanager-config.yml",
                        f"{GIVEN}/alert-rules.yml": directory / RULES,
                        f"{GIVEN}/templates": alertmanager.templates,
                    }
                ),
                **{
                    name: Served(
                        address=self._address(name),
                        command=with_flags(said[name].command, part.arguments, service=name),
                        files=files[name],
                    )
                    for name, part in parts.items()
                },
            }
        )

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

    def _adopted(self, name: str, log: Path | None = None) -> Container:
        """Return the container of a service, which is one of the run's from now on."""
        made = self._made(name)
        if log is None:
            container = Container(self._full(name), made, self._network)
        else:
            container = Watcher(self._full(name), made, self._network, self._prepare_again)
            log.parent.mkdir(parents=True, exist_ok=True)
            log.touch()
            threading.Thread(
                target=_keep_words, args=(made, log), name=f"hears-{name}", daemon=True
            ).start()
        self._register.add(name, container)
        return container

    def _full(self, name: str) -> str:
        return self._project.container(name) if name in SERVICES else super()._full(name)

    def _made(self, service: str) -> EngineContainer:
        return self._client.containers.get(self._project.container(service))

    def _address(self, name: str) -> str:
        return self.place(name, PORTS.get(name, 1)).host


class Watcher(Container):
    """A watcher of the compose file: before it reads its files anew, they are brought to it."""

    def __init__(
        self,
        name: str,
        made: EngineContainer,
        network: RunNetwork,
        prepare: Callable[[], None],
    ) -> None:
        super().__init__(name, made, network)
        self._prepare = prepare

    def send_signal(self, sig: int, /) -> None:
        """Send a signal to its first process; one that has ended is not sent any."""
        if sig == signal.SIGHUP:
            self._prepare()
        super().send_signal(sig)


def _make_readable(targets: Path) -> None:
    """Make the folder of the targets, which Prometheus reads as a user of its own."""
    targets.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(targets.stat().st_mode)
    if mode & stat.S_IROTH and mode & stat.S_IXOTH:
        return
    raise LaunchError(
        f"{targets} is for its owner alone (mode {mode:04o}), and production's Prometheus is "
        "another user; say `umask 022`, and begin again"
    )


def _keep_words(made: EngineContainer, log: Path) -> None:
    """Append what a container says to its log, until it is gone."""
    with log.open("ab") as kept:
        for words in made.logs(stream=True, follow=True):
            kept.write(words)
            kept.flush()
