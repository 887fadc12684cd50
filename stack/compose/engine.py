"""Docker Compose, asked and told; what keeps it from working is one line for a person.

Design rule: nothing is known here of what the stack consists of; the compose file is asked.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stack.compose.containers import Container, read_containers
from stack.compose.failure import StackFailure
from stack.compose.places import Places
from stack.compose.project import Project, read_project

__all__ = ["OLDEST", "Engine"]

OLDEST = (2, 20)
"""Compose that waits with a time-out (`--wait-timeout`), and for one-shot services."""

_INSTALL = "https://docs.docker.com/engine/install/"
_ALL_PROFILES = ("--profile", "*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """`docker compose` with the file of the stack."""

    places: Places

    def check_compose(self) -> None:
        """Raise StackFailure unless Docker's client is there with a Compose that is new enough."""
        if shutil.which("docker") is None:
            raise StackFailure(f"docker is not on PATH; install Docker Engine: {_INSTALL}")
        done = _run(["docker", "compose", "version", "--short"])
        found = re.match(r"v?(\d+)\.(\d+)", done.stdout)
        if done.returncode != 0 or found is None:
            raise StackFailure(
                "docker has no Compose; install its plugin: "
                "https://docs.docker.com/compose/install/linux/"
            )
        if (int(found[1]), int(found[2])) < OLDEST:
            wanted = ".".join(map(str, OLDEST))
            raise StackFailure(
                f"Docker Compose is {done.stdout.strip()}, and {wanted} or newer is needed; "
                "update it: https://docs.docker.com/compose/install/linux/"
            )

    def check_running(self) -> None:
        """Raise StackFailure unless the engine answers."""
        done = _run(["docker", "version", "--format", "{{.Server.Version}}"])
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
        return read_project(_json(done.stdout, "config"))

    def containers(self) -> list[Container]:
        """Return the containers of the stack, those that ended too. Raises StackFailure."""
        done = self._compose(*_ALL_PROFILES, "ps", "--all", "--format", "json")
        return read_containers(done.stdout)

    def hang_up(self, services: Sequence[str]) -> None:
        """Have services, one at least, read their configuration again. Raises StackFailure."""
        self._compose(*_ALL_PROFILES, "kill", "--signal", "HUP", *services)

    def attached(self, *arguments: str, profiles: Sequence[str] | None = None) -> int:
        """Run `docker compose` on this terminal; return its status. None means every profile."""
        chosen = _ALL_PROFILES if profiles is None else _profiles(profiles)
        return subprocess.run(self._command(*chosen, *arguments), check=False).returncode

    def _compose(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = _run(self._command(*arguments))
        if done.returncode != 0:
            raise StackFailure(f"docker compose: {_last_line(done.stderr)}")
        return done

    def _command(self, *arguments: str) -> list[str]:
        return ["docker", "compose", "--file", str(self.places.compose_file), *arguments]


def _profiles(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(part for name in names for part in ("--profile", name))


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COMPOSE_ANSI": "never"},
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _json(text: str, command: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise StackFailure(
            f"docker compose {command} wrote no JSON ({error}); look: nox -s stack -- config"
        ) from error
