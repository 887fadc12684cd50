"""What the process is told: the plan file, and the commands that follow on standard input.

One rule: whatever comes from outside becomes a dataclass here, or a ``PlanError`` that names the
field; nothing past this module looks into JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_TIMEOUT_SECONDS = 10.0

TASKS = "LOCUSTFILE /"
"""Stands in a journey for the tasks of the plan's own Locust file."""


class PlanError(ValueError):
    """The plan file or a command can't be understood; ``number`` is the command's, if any."""

    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPlan:
    """One service's load; ``journey`` maps ``"METHOD /path"`` to its weight.

    ``instance`` is the id that the service's faults are signed for, ``None`` where none can be.
    A ``paused`` target gets its first request when a command lets its load flow.
    """

    id: str
    host: str
    rate_per_second: float
    users: int
    journey: Mapping[str, float]
    instance: str | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The load of a whole run; ``fault_secret_file`` is ``None`` where no fault can be signed.

    With ``lease_seconds``, faults end by themselves so long after the last request of this load.
    ``locustfile`` is a team's own, whose users' tasks stand in journeys as ``TASKS``.
    """

    fault_secret_file: Path | None
    targets: tuple[TargetPlan, ...]
    timeout_seconds: float
    lease_seconds: float | None = None
    locustfile: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultOn:
    """From now on ``share`` of the target's requests carry ``fault``, in its wire form.

    ``only`` names the requests of the journey that may; empty means all of them.
    """

    target: str
    fault: Mapping[str, object]
    share: float
    only: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultOff:
    """From now on no request of the target carries a fault."""

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCard:
    """From now on the target's payments are made with this payment method."""

    target: str
    payment_method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UseJourney:
    """From now on the target's requests follow this mix."""

    target: str
    journey: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """From now on the target gets its requests, or none at all."""

    target: str
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Quit:
    """End the process."""


Command = FaultOn | FaultOff | UseCard | UseJourney | Flow | Quit


def parse_plan(text: str) -> Plan:
    """Read a plan file's content.

    Raises:
        PlanError: a field is missing, has the wrong type, or an id appears twice.
    """
    raw = _object(text, "the plan")
    targets = raw.get("targets")
    if not isinstance(targets, list) or not targets:
        raise PlanError(f"targets must be a list with at least one target, got {targets!r}")
    secret = raw.get("fault_secret_file")
    parsed = tuple(_target(target) for target in targets)
    ids = [target.id for target in parsed]
    if twice := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
        raise PlanError(f"each target needs an id of its own, twice there: {', '.join(twice)}")
    own = None if raw.get("locustfile") is None else Path(_text(raw, "locustfile"))
    if own is None and any(TASKS in target.journey for target in parsed):
        raise PlanError("a journey has the tasks of a Locust file, and the plan names none")
    return Plan(
        locustfile=own,
        fault_secret_file=None if secret is None else Path(_text(raw, "fault_secret_file")),
        targets=parsed,
        timeout_seconds=_positive(raw, "timeout_seconds", default=DEFAULT_TIMEOUT_SECONDS),
        lease_seconds=None if raw.get("lease_seconds") is None else _positive(raw, "lease_seconds"),
    )


def parse_command(line: str) -> tuple[Command, int | None]:
    """Read one line of standard input.

    Returns:
        The command, and the number (``"id"``) that its acknowledgement must carry, if it has one.

    Raises:
        PlanError: the line is no command.
    """
    raw = _object(line, "a command")
    number = raw.get("id")
    if not (number is None or isinstance(number, int)):
        raise PlanError(f"a command's id must be a whole number, got {number!r}")
    try:
        return _command(raw), number
    except PlanError as error:
        error.number = number
        raise


def _command(raw: Mapping[str, object]) -> Command:
    if raw.get("quit") is True:
        return Quit()
    target = _text(raw, "target")
    if "fault" in raw:
        fault = raw["fault"]
        if fault is None:
            return FaultOff(target=target)
        if not isinstance(fault, dict):
            raise PlanError(f"fault must be an object or null, got {fault!r}")
        return FaultOn(
            target=target,
            fault=fault,
            share=_positive(raw, "share"),
            only=_requests(raw.get("only", [])),
        )
    if "flow" in raw:
        return Flow(target=target, on=_yes(raw, "flow"))
    if "payment_method" in raw:
        return UseCard(target=target, payment_method=_text(raw, "payment_method"))
    if "journey" in raw:
        return UseJourney(target=target, journey=_journey(raw["journey"]))
    raise PlanError(
        f"unknown command {dict(raw)!r}; known: fault with share, fault null, payment_method, "
        "journey, flow, quit"
    )


def _target(raw: object) -> TargetPlan:
    if not isinstance(raw, dict):
        raise PlanError(f"a target must be an object, got {raw!r}")
    users = raw.get("users")
    if not isinstance(users, int) or users < 1:
        raise PlanError(f"users must be a whole number from 1, got {users!r}")
    return TargetPlan(
        id=_text(raw, "id"),
        host=_text(raw, "host").rstrip("/"),
        rate_per_second=_positive(raw, "rate_per_second"),
        users=users,
        journey=_journey(raw.get("journey")),
        instance=None if raw.get("instance") is None else _text(raw, "instance"),
        paused=_yes(raw, "paused", default=False),
    )


def _journey(raw: object) -> Mapping[str, float]:
    if not isinstance(raw, dict) or not raw:
        raise PlanError(f"journey must map requests to weights, got {raw!r}")
    for name in raw:
        _check_request(name)
    return {name: _positive(raw, name) for name in raw}


def _requests(raw: object) -> frozenset[str]:
    if not isinstance(raw, list):
        raise PlanError(f"only must be a list of requests, got {raw!r}")
    for name in raw:
        _check_request(name)
    return frozenset(raw)


def _check_request(name: object) -> None:
    method, _, path = name.partition(" ") if isinstance(name, str) else ("", "", "")
    if not (method.isalpha() and method.isupper() and path.startswith("/")):
        raise PlanError(f"a journey's request reads like 'GET /api/users', got {name!r}")


def _object(text: str, what: str) -> Mapping[str, object]:
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise PlanError(f"{what} is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise PlanError(f"{what} must be a JSON object, got {raw!r}")
    return raw


def _text(raw: Mapping[str, object], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise PlanError(f"{key} must be a text, got {value!r}")
    return value


def _yes(raw: Mapping[str, object], key: str, *, default: bool | None = None) -> bool:
    value = raw.get(key, default)
    if not isinstance(value, bool):
        raise PlanError(f"{key} must be true or false, got {value!r}")
    return value


def _positive(raw: Mapping[str, object], key: str, *, default: float | None = None) -> float:
    value = raw.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise PlanError(f"{key} must be a number greater than 0, got {value!r}")
    return float(value)
