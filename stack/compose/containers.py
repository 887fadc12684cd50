"""What the engine says of the stack's containers, and which of them are in trouble.

Design rule: pure; only a one-shot may end, and what has a health check is well only when that says
so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stack.compose.failure import StackFailure

__all__ = ["Container", "read_containers", "trouble"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of a service.

    Attributes:
        service: the name in the compose file.
        state: running, exited, restarting, created, paused or dead.
        health: healthy, unhealthy, starting; empty where nothing is checked.
        exit_code: of one that has ended.
        ports: what it holds on this machine.
    """

    service: str
    state: str
    health: str
    exit_code: int
    ports: frozenset[int]


def read_containers(text: str) -> list[Container]:
    """Type the answer of `docker compose ps --format json`: one object a line, or one list.

    Raises StackFailure.
    """
    try:
        return sorted(
            (
                Container(
                    service=str(one["Service"]),
                    state=str(one["State"]),
                    health=str(one.get("Health") or ""),
                    exit_code=int(one.get("ExitCode") or 0),
                    ports=frozenset(
                        int(port["PublishedPort"])
                        for port in one.get("Publishers") or ()
                        if port.get("PublishedPort")
                    ),
                )
                for one in _objects(text)
            ),
            key=lambda container: container.service,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StackFailure(
            f"docker compose ps says something unknown ({error!r}); look: nox -s stack -- status"
        ) from error


def _objects(text: str) -> Iterator[Any]:
    if text.lstrip().startswith("["):  # Compose before 2.21
        yield from json.loads(text)
    else:
        yield from (json.loads(line) for line in text.splitlines() if line.strip())


def trouble(container: Container, *, ends: bool) -> str | None:
    """Return what is wrong with a container, or None; `ends` is of one that does its work once."""
    if container.state == "exited" and ends:
        return None if container.exit_code == 0 else f"ended with status {container.exit_code}"
    if container.state == "exited":
        # The engine starts it again, unless it was told to end it.
        return f"has ended, with status {container.exit_code}, and is not started again"
    if container.state != "running":
        return f"is {container.state}"
    return None if container.health in ("", "healthy") else f"is {container.health}"
