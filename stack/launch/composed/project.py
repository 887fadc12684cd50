"""The compose project of a run: production's file with the run's beside it, brought up in order.

Design rule: it is brought up as production's file says, first what prepares, then who reads what
that prepared; readiness is asked by who waits for it, as production's health checks look too
seldom for a drill.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from stack.compose.credentials import CREDENTIALS
from stack.compose.engine import Engine
from stack.compose.once import make_directory, make_once
from stack.compose.places import Places
from stack.compose.settings import in_force, optional_variables
from stack.compose.trial.parts import parts_of
from stack.compose.trial.settings import environment_of, settings_text
from stack.launch.composed.override import Said, Served, changes_of, override, said_of
from stack.ports import reserve
from stack.processes import dying_with
from stack.replacing import replace_text
from stack.timescale import Change
from stack.yamlfile import read_yaml

__all__ = ["PREPARE", "ComposeProject"]

PREPARE = "prepare"
"""The service that fills the others' volumes, and ends."""


class ComposeProject:
    """Production's compose file under a name, ports, settings and secrets of a run's own.

    A context manager, which holds the ports; what was brought up goes by its labels.
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        compose: Sequence[str],
        *,
        network: str,
        labels: Mapping[str, str],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Prepare a project whose settings, secrets and overriding file lie in `directory`.

        `compose` is what `docker compose` is started with.
        """
        here = Places.here()
        self._file = here.compose_file
        self._text = here.compose_file.read_text(encoding="utf-8")
        self._network = network
        self._labels = labels
        self._override = directory / "override.json"
        self._services: dict[str, Served] = {}
        self._places = Places(
            compose_file=here.compose_file,
            env_file=directory / "settings.env",
            secrets=directory / "secrets",
        )
        self._engine = Engine(
            places=self._places,
            # Whoever starts containers ends with this process, and so before the reaper looks.
            compose=dying_with(os.getpid(), compose),
            project_name=name,
            overrides=(self._override,),
            environment=environment_of(in_force(environ), optional_variables(self._text)),
        )
        self._name = name
        self._running = ExitStack()

    @property
    def said(self) -> Mapping[str, Said]:
        """What production's file says of each service."""
        return said_of(self._text, self._file.name)

    @property
    def changes(self) -> tuple[Change, ...]:
        """What the run has otherwise than production's file."""
        return changes_of(self._services, self.said, file=self._file.name)

    @property
    def services(self) -> tuple[str, ...]:
        """Every service that production's file starts where nobody asks for the demo."""
        services = read_yaml(self._text, self._file.name)["services"]
        return tuple(str(name) for name, one in services.items() if "profiles" not in one)

    def container(self, service: str) -> str:
        """Return what the engine calls the container of a service."""
        return f"{self._name}-{service}-1"

    def keep_secrets(self, given: Path) -> Path:
        """Have the secrets that a folder has, and random ones for all others; return their folder.

        Raises StackFailure where they can't be written.
        """
        make_directory(self._places.secrets)
        for each in CREDENTIALS:
            path = given / each.name
            text = path.read_text(encoding="utf-8") if path.exists() else each.make()
            make_once(self._places.secrets / each.name, f"{text.strip()}\n")
        return self._places.secrets

    def change(self, services: Mapping[str, Served]) -> None:
        """Have these services otherwise, beside those that are already."""
        self._services |= services
        document = read_yaml(self._text, self._file.name)
        text = override(
            self._services,
            volumes=[str(name) for name in document["volumes"]],
            networks=[str(name) for name in document["networks"] if name != "default"],
            network=self._network,
            labels=self._labels,
        )
        replace_text(self._override, text)

    def up(self, *services: str) -> None:
        """Start these services and none that they wait for; nothing is waited for.

        Raises StackFailure.
        """
        self._engine.told("up", "--detach", "--no-build", "--no-deps", *services)

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            ports = {
                part.service: starting.enter_context(reserve()).port
                for part in parts_of(self._text, self._file.name)
                if part.published
            }
            self._places.env_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_once(self._places.env_file, settings_text(ports, self._places.secrets))
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()
