"""What is wrong with a stack that runs, by what the engine and its programs say of it.

Design rule: pure functions, each from what was said to the complaints about it; none means well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stack.compose.failure import StackFailure
from stack.ports import LOOPBACK

__all__ = [
    "Inspected",
    "bound_elsewhere",
    "lost",
    "read_inspected",
    "shown",
    "unwell",
    "wrong_retention",
    "wrong_targets",
    "wrong_versions",
]

RETENTION = "30d"
SERVICE_LABEL = "com.docker.compose.service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """One container, as `docker inspect` shows it.

    Attributes:
        id: the engine's.
        service: the name in the compose file.
        state: running, exited, restarting, created, paused or dead.
        health: healthy, unhealthy, starting; empty where nothing is checked.
        exit_code: of one that has ended.
        restarts: how often the engine has started it again by itself.
        stop_signal: what its program wants to be ended with.
        bound: the addresses of this machine that lead to it, as (host, port).
    """

    id: str
    service: str
    state: str
    health: str
    exit_code: int
    restarts: int
    stop_signal: str
    bound: tuple[tuple[str, int], ...]


def read_inspected(text: str) -> dict[str, Inspected]:
    """Type the answer of `docker inspect`: containers by service. Raises StackFailure."""
    try:
        found = [_inspected(one) for one in json.loads(text)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StackFailure(f"docker inspect says something unknown: {error!r}") from error
    return {one.service: one for one in found}


def _inspected(one: Any) -> Inspected:
    state = one["State"]
    ports = (one["NetworkSettings"].get("Ports") or {}).values()
    asked = (one["HostConfig"].get("PortBindings") or {}).values()
    bindings = [each for several in (*ports, *asked) for each in several or ()]
    return Inspected(
        id=str(one["Id"]),
        service=str(one["Config"]["Labels"][SERVICE_LABEL]),
        state=str(state["Status"]),
        health=str((state.get("Health") or {}).get("Status", "")),
        exit_code=int(state["ExitCode"]),
        restarts=int(one["RestartCount"]),
        stop_signal=str(one["Config"].get("StopSignal") or "SIGTERM"),
        bound=tuple(
            # Without an address it is every one of this machine's.
            sorted({(each["HostIp"] or "0.0.0.0", int(each["HostPort"])) for each in bindings})  # noqa: S104
        ),
    )


def unwell(one: Inspected | None, *, ends: bool) -> str | None:
    """Return what is wrong with a container; `ends` is of one that has done its work once."""
    if one is None:
        return "is not there"
    if ends:
        well = one.state == "exited" and one.exit_code == 0
        return None if well else f"is {one.state}, with exit status {one.exit_code}"
    if one.state != "running":
        return f"is {one.state}"
    # Every service has a health check; one without would be well whatever it does.
    return None if one.health == "healthy" else f"is {one.health or 'not checked'}"


def bound_elsewhere(containers: Iterable[Inspected]) -> list[str]:
    """Return the published ports that more than this machine reaches."""
    return [
        f"{one.service} at {host}:{port}"
        for one in containers
        for host, port in one.bound
        if host != LOOPBACK
    ]


def shown(text: str, secrets: Mapping[str, str]) -> list[str]:
    """Return the names of the secrets whose values stand in a text, as they are or as JSON's."""
    return sorted(
        name for name, value in secrets.items() if value in text or json.dumps(value)[1:-1] in text
    )


def wrong_retention(flags: Mapping[str, str]) -> list[str]:
    """Return the flags with which Prometheus keeps its data less long than is promised."""
    wanted = {"storage.tsdb.retention.time": RETENTION, "storage.tsdb.retention.size": "0B"}
    return [
        f"--{name} is {flags.get(name, 'not set')}, and should be {value}"
        for name, value in wanted.items()
        if flags.get(name) != value
    ]


def wrong_targets(health: Mapping[str, str], wanted: Iterable[str]) -> list[str]:
    """Return the instances that Prometheus does not scrape well, by their health."""
    missing = [f"{name} is no target" for name in sorted(set(wanted) - health.keys())]
    return missing + [f"{name} is {one}" for name, one in sorted(health.items()) if one != "up"]


def lost(before: Sequence[object], after: Sequence[object]) -> list[str]:
    """Return what was there before and is not any more."""
    there = set(after)
    return [str(one) for one in before if one not in there]


def wrong_versions(references: Mapping[str, str], documented: Mapping[str, str]) -> list[str]:
    """Return the images whose version is not the one that is documented for their name."""
    return [
        f"{name} is {references.get(name, 'not there')}, and {version} is documented"
        for name, version in documented.items()
        if not re.search(rf":v?{re.escape(version)}$", references.get(name, ""))
    ]
