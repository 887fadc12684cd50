"""The compose file that a run merges into production's, which it leaves as it is.

Design rule: pure. Whatever a drill has otherwise stands here and nowhere else: the run's network
and label, a drill's flags behind production's, and the run's files in place of production's.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stack.timescale import Change
from stack.yamlfile import ConfigurationError, read_yaml

__all__ = ["Said", "Served", "changes_of", "override", "said_of", "with_flags"]

KEPT = frozenset(
    {
        "--config.file",
        "--storage.tsdb.path",
        "--storage.path",
        "--web.listen-address",
        "--cluster.listen-address",
        "--storage.tsdb.retention.time",
        "--enable-feature",
    }
)
"""What production's command says and a drill's says too: there production's counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What one service has otherwise.

    Attributes:
        address: in the run's network; "" for one that is in none.
        command: in place of production's; empty for production's.
        environment: beside production's, or in its place.
        files: what it reads: files or folders of this machine, by the path that they have inside.
        cpu_shares: how it shares the processors where they are short: 1024 is what others have in
            its control group.
        cgroup_parent: the control group that it is in; "" for the engine's.
    """

    address: str = ""
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    cpu_shares: int | None = None
    cgroup_parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What production's file says of a service that a run may have otherwise."""

    command: tuple[str, ...]
    environment: Mapping[str, str]


def said_of(text: str, source: str) -> dict[str, Said]:
    """Return what a compose file says of each service. Raises ConfigurationError."""
    return {
        str(name): Said(
            command=tuple(map(str, command if isinstance(command, list) else ())),
            environment={key: str(value) for key, value in service.get("environment", {}).items()},
        )
        for name, service in read_yaml(text, source)["services"].items()
        for command in (service.get("command"),)
    }


def with_flags(production: Sequence[str], drill: Sequence[str], *, service: str) -> list[str]:
    """Return production's command with the flags of a drill that it does not have.

    Raises ConfigurationError for a flag that both have with different values and that is not one
    of KEPT: it would be scaled in one place and not in the other.
    """
    said = {_name(flag): flag for flag in production}
    added = []
    for flag in drill:
        name = _name(flag)
        if name not in said:
            added.append(flag)
        elif said[name] != flag and name not in KEPT:
            raise ConfigurationError(
                f"the compose file starts {service} with {said[name]}, and a drill with {flag}; "
                "say in stack/launch/composed/override.py which of the two counts"
            )
    return [*production, *added]


def override(
    services: Mapping[str, Served],
    *,
    volumes: Collection[str],
    networks: Collection[str],
    network: str,
    labels: Mapping[str, str],
) -> str:
    """Return the file: all that compose makes carries `labels`, and `network` is the default one.

    `volumes` and `networks` are those that production's file has, beside the default network.
    """
    own = {"labels": dict(labels)}
    return json.dumps(
        {
            "services": {name: _service(one, labels) for name, one in services.items()},
            "networks": {
                "default": {"name": network, "external": True},
                **dict.fromkeys(sorted(networks), own),
            },
            "volumes": dict.fromkeys(sorted(volumes), own),
        },
        indent=1,
    )


def changes_of(
    services: Mapping[str, Served], production: Mapping[str, Said], *, file: str
) -> tuple[Change, ...]:
    """Return what these services have otherwise than `production`'s file says."""
    found = []
    for name, served in services.items():
        said = production[name]
        told = {flag: flag for flag in served.command if flag not in said.command}
        told |= served.environment
        told |= {f"{inside} (mounted)": str(here) for inside, here in served.files.items()}
        if served.address:
            told["networks.default.ipv4_address"] = served.address
        if served.cpu_shares:
            told["cpu_shares"] = str(served.cpu_shares)
        if served.cgroup_parent:
            told["cgroup_parent"] = served.cgroup_parent
        for what, drill in told.items():
            before = said.environment.get(what, "")
            if before != drill:
                where = f"services.{name}: {what}"
                found.append(Change(file=file, where=where, production=before, drill=drill))
    return tuple(found)


def _service(served: Served, labels: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"labels": dict(labels)}
    if served.address:
        told["networks"] = {"default": {"ipv4_address": served.address}}
    if served.command:
        told["command"] = list(served.command)
    if served.environment:
        told["environment"] = {name: _literal(text) for name, text in served.environment.items()}
    if served.files:
        told["volumes"] = [
            {
                "type": "bind",
                "source": _literal(str(here)),
                "target": inside,
                "read_only": True,
                "bind": {"create_host_path": False},
            }
            for inside, here in served.files.items()
        ]
    if served.cpu_shares:
        told["cpu_shares"] = served.cpu_shares
    if served.cgroup_parent:
        told["cgroup_parent"] = served.cgroup_parent
    return told


def _literal(text: str) -> str:
    """Return what compose reads as `text`: it takes a dollar sign for a variable's."""
    return text.replace("$", "$$")


def _name(flag: str) -> str:
    return flag.partition("=")[0]
