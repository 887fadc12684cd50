"""Docker Compose, asked and told; what keeps it from working is one line for a person.

Design rule: nothing is known here of what the stack consists of; the compose file is asked.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.compose.containers import Container, read_containers
from stack.compose.failure import StackFailure
from stack.compose.places import Places
from stack.compose.project import Project, read_project

__all__ = ["Engine"]

_ALL_PROFILES = ("--profile", "*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """`docker compose` with the file of the stack.

    Attributes:
        places: where that file and its settings are.
        compose: the words that `docker compose` is started with.
        project_name: the name that its containers, networks and volumes begin with; by default the
            compose file's.
        overrides: compose files that change that one, in their order.
        environment: what it is told; None means all that this process was told.
    """

    places: Places
    compose: Sequence[str] = ("docker", "compose")
    project_name: str | None = None
    overrides: Sequence[Path] = ()
    environment: Mapping[str, str] | None = None

    def check_running(self) -> None:
        """Raise StackFailure unless the engine answers."""
        done = self._run(["docker", "version", "--format", "{{.Server.Version}}"])
        if done.returncode == 0:
            return
        said = _last_line(done.stderr)
        if "permission denied" in said.lower():
            raise StackFailure(
                "the Docker engine does not let this user in; join its group, then log in anew: "
                'sudo usermod -aG docker "$USER"'
            )
        raise StackFailure(
            f"the Docker engine does not answer ({said}); start it: sudo systemctl start docker"
        )

    def project(self, profiles: Sequence[str] = ()) -> Project:
        """Return what the compose file says with `.env`, of these profiles. Raises StackFailure."""
        done = self._compose(*_profiles(profiles), "config", "--format", "json")
        return read_project(_json(done.stdout, "compose config"))

    def containers(self) -> list[Container]:
        """Return the containers of the stack, those that ended too. Raises StackFailure."""
        done = self._compose(*_ALL_PROFILES, "ps", "--all", "--format", "json")
        return read_containers(done.stdout)

    def image_labels(self, reference: str) -> Mapping[str, str] | None:
        """Return the labels of an image that the engine has; None where it has none."""
        shown = ("image", "inspect", "--format", "{{json .Config.Labels}}")
        done = self._run(["docker", *shown, reference])
        if done.returncode != 0:
            return None
        labels: Mapping[str, str] = _json(done.stdout, "image inspect") or {}
        return labels

    def hang_up(self, services: Sequence[str]) -> None:
        """Have services read their configuration again. Raises StackFailure.

        From within: the engine takes any signal that it is asked to send for its owner's wish to
        end the container, and from then on starts it again neither after a crash nor after a boot
        (seen with 20.10; moby, daemon/kill.go).
        """
        for service in services:
            self._compose(*_ALL_PROFILES, "exec", "--no-TTY", service, "sh", "-c", "kill -HUP 1")

    def attached(self, *arguments: str, profiles: Sequence[str] | None = None) -> int:
        """Run `docker compose` on this terminal; return its status. None means every profile."""
        chosen = _ALL_PROFILES if profiles is None else _profiles(profiles)
        command = self._command(*chosen, *arguments)
        return subprocess.run(command, check=False, env=self._environment()).returncode

    def told(self, *arguments: str) -> str:
        """Run `docker compose` with every profile; return what it says. Raises StackFailure."""
        return self._compose(*_ALL_PROFILES, *arguments).stdout

    def _compose(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self._run(self._command(*arguments))
        if done.returncode != 0:
            raise StackFailure(f"docker compose: {_last_line(done.stderr)}")
        return done

    def _command(self, *arguments: str) -> list[str]:
        places = self.places
        named = ("--project-name", self.project_name) if self.project_name else ()
        # Compose finds by itself what is beside its file.
        beside = places.env_file.parent == places.compose_file.parent
        env_file = () if beside else ("--env-file", str(places.env_file))
        files = [part for file in self.overrides for part in ("--file", str(file))]
        return [
            *self.compose,
            *("--file", str(places.compose_file), *files),
            *named,
            *env_file,
            *arguments,
        ]

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**self._environment(), "COMPOSE_ANSI": "never"},
        )

    def _environment(self) -> Mapping[str, str]:
        return os.environ if self.environment is None else self.environment


def _profiles(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(part for name in names for part in ("--profile", name))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _json(text: str, command: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise StackFailure(
            f"docker {command} wrote no JSON ({error}); look: nox -s stack -- config"
        ) from error
