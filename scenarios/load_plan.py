"""The load of a run as data, and how many users and threads it takes to stay open-loop."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

TIMEOUT_SECONDS = 10.0  # a client's patience, unless the plan says else
SPARE_THREADS = 4  # that stay free for scrapes and probes
RENEWALS = 2  # requests that must fit into a lease: with one alone, its jitter would end the fault
SPARE_SECONDS = 0.5  # by which an answer may exceed the longest expected one


class LoadRefused(ValueError):
    """A plan under which the load would not be open-loop, or the service would miss scrapes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLoad:
    """The load on one service; ``journey`` maps ``"METHOD /path"`` to its weight.

    ``instance`` is the id that the service's faults are signed for, ``None`` where none ever are.
    A ``paused`` target's load flows when it is told to.
    """

    id: str
    host: str
    rate_per_second: float
    users: int
    journey: Mapping[str, int]
    instance: str | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """The load of a whole run.

    Attributes:
        fault_secret_file: the secret that signs faults, or ``None`` where none is ever switched on.
        timeout_seconds: how long a client waits to connect, and for each part of an answer.
        lease_seconds: how long after the last request the faults that it carried end by
            themselves; ``None`` where they last as long as they were asked for.
        locustfile: a team's own, whose users' tasks stand in journeys as ``TASKS``.
        paths: where that file's own modules are found.
    """

    fault_secret_file: Path | None
    targets: tuple[TargetLoad, ...]
    timeout_seconds: float = TIMEOUT_SECONDS
    lease_seconds: float | None = None
    locustfile: Path | None = None
    paths: tuple[Path, ...] = ()

    def as_json(self) -> str:
        """The plan file's content."""
        secret = self.fault_secret_file
        plan = {
            "fault_secret_file": None if secret is None else str(secret.resolve()),
            "timeout_seconds": self.timeout_seconds,
            "lease_seconds": self.lease_seconds,
            "locustfile": None if self.locustfile is None else str(self.locustfile),
            "targets": [
                {field.name: getattr(target, field.name) for field in fields(target)}
                for target in self.targets
            ],
        }
        return json.dumps(plan, indent=2, default=dict)  # a journey may be a read-only view


def users_needed(
    rate_per_second: float, longest_response_seconds: float, margin: float = SPARE_SECONDS
) -> int:
    """How many users keep a constant rate while each of their requests may take that long.

    ``ceil(rate * (longest + margin))``, at least one: a user is busy for as long as its request
    (Little's law), and ``margin`` seconds more are allowed for.
    """
    return max(1, _ceil(rate_per_second * (longest_response_seconds + margin)))


def threads_needed(rate_per_second: float, longest_response_seconds: float) -> int:
    """How many threads a service needs, so that its scrapes are answered while requests are slow.

    ``ceil(rate * longest) + 4``: as many as there are requests in it at a time (Little's law), and
    four that stay free for scrapes and probes.
    """
    return _ceil(rate_per_second * longest_response_seconds) + SPARE_THREADS


def check_load(
    target: TargetLoad,
    *,
    threads: int,
    longest_response_seconds: float,
    timeout_seconds: float = TIMEOUT_SECONDS,
    lease_seconds: float | None = None,
) -> None:
    """Refuse a load that its service or its users couldn't bear while the fault lasts.

    Raises:
        LoadRefused: the service has too few threads, the load too few users, the clients would
            give up before the slowest answer, or a fault's lease run out between two requests.
    """
    rate = target.rate_per_second
    per_answer = f"at {rate:g} requests/s of up to {longest_response_seconds:g} s"
    if threads < (needed := threads_needed(rate, longest_response_seconds)):
        raise LoadRefused(
            f"{target.id}: {threads} threads are too few {per_answer}, {needed} are needed "
            f"(rate x delay + {SPARE_THREADS}), else scrapes wait behind slow requests and the "
            "target looks down; give the service more threads or lower the rate"
        )
    if target.users < (needed := users_needed(rate, longest_response_seconds, margin=0)):
        raise LoadRefused(
            f"{target.id}: {target.users} users are too few {per_answer}, at least {needed} are "
            "needed (rate x delay), else the rate falls as answers slow down; take users_needed()"
        )
    if longest_response_seconds >= timeout_seconds:
        raise LoadRefused(
            f"{target.id}: clients give up after {timeout_seconds:g} s, before an answer of "
            f"{longest_response_seconds:g} s; raise the plan's timeout_seconds"
        )
    if lease_seconds is not None and rate * lease_seconds < RENEWALS:
        raise LoadRefused(
            f"{target.id}: at {rate:g} requests/s a fault's lease of {lease_seconds:g} s may run "
            f"out between two of them, each of which renews it; send {RENEWALS / lease_seconds:g} "
            "requests/s or more"
        )


def _ceil(value: float) -> int:
    return math.ceil(round(value, 9))  # 0.1 * 30 is 3.0000000000000004, and needs three
