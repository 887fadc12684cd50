"""What this run can have at all, decided before anything is drilled.

One rule: a capability is read from the environment, or seen in a trial of the machine before the
run; a drill that failed never takes one away. What nobody asks for is not tried.
"""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from collections.abc import Callable, Collection, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from scenarios.saying import SayLine, line_to_nobody
from stack.compose.failure import StackFailure
from stack.compose.trial.presence import EXTRAS, why_no_accounts, why_no_trial
from stack.external.engine import SAMPLE_LIMIT_SERIES
from stack.images import Engine, missing
from stack.tools import ToolSettings, ToolsUnavailable
from stack.tools.elasticsearch import find_elasticsearch
from stack.tools.faketime import find_faketime
from stack.tools.namespace import on_own_disk

POSTGRESQL = "postgresql"
POSTGRESQL_URL = "ALERTPROOF_POSTGRESQL_URL"

OWN_DISK = "own-disk"
"""A service may get a small disk of its own, which is filled without harm to anybody."""

OWN_CLOCK = "own-clock"
"""A service may get a clock of its own, which is set without harm to anybody."""

ELASTICSEARCH = "elasticsearch"
"""Logs may be shipped to a node of the run's own."""

CONTAINERS = "containers"
"""A part of a run may be a container, to which is done what only a container bears."""

COMPOSE = "compose"
"""The compose stack may be brought up under a name of its own."""

COMPOSE_ACCOUNTS = "compose-accounts"
"""Its Elasticsearch asks who one is."""

OF_CONTAINERS = frozenset({OWN_DISK, ELASTICSEARCH})
"""What a run whose services are containers has with these, and not of this machine."""

OWN_WATCHERS = "own-watchers"
"""Prometheus and Alertmanager are the run's own, so that they may be broken, or given a past."""

INJECTION = "injection"
"""The stack takes a run's services, rules and routes."""

TRIAL_SECONDS = 20.0
TRIAL_BYTES = 1 << 20

HAS_ALL: Mapping[str, str] = MappingProxyType({})
"""What a stack lacks that a run starts itself: nothing."""

CONTAINER_IMAGES = ("softfactory", "prometheus", "alertmanager", "postgres", "elasticsearch")
"""What a run starts containers of (``stack.images``)."""


def known() -> tuple[str, ...]:
    """Return the names of all capabilities."""
    return tuple(sorted(_REASONS))


def lacking(
    needs: Collection[str],
    environment: Mapping[str, str] = os.environ,
    say: SayLine = line_to_nobody,
    *,
    contained: bool = False,
    stack: Mapping[str, str] = HAS_ALL,
) -> list[str]:
    """Return those of these capabilities that a run in this environment lacks.

    ``say`` is told when something is fetched to find out; ``contained`` tells that the run's
    services are containers; ``stack`` is what the run's stack lacks, with the reason.
    """
    return sorted(
        name for name in needs if why_not(name, environment, say, contained=contained, stack=stack)
    )


def why_not(
    capability: str,
    environment: Mapping[str, str] = os.environ,
    say: SayLine = line_to_nobody,
    *,
    contained: bool = False,
    stack: Mapping[str, str] = HAS_ALL,
) -> str:
    """Return why a run lacks this capability, and what would give it; "" where it has it."""
    asked = CONTAINERS if contained and capability in OF_CONTAINERS else capability
    return stack.get(capability) or _REASONS[asked](environment, say)


def compose_with(image: str) -> str:
    """Return the capability that the compose stack has what runs this image."""
    return f"{COMPOSE}-{image}"


def _no_postgresql(environment: Mapping[str, str], _say: SayLine) -> str:
    if find_spec("psycopg") is None:
        return "psycopg is not installed: pip install 'alertproof[postgresql]'"
    if environment.get(POSTGRESQL_URL):
        return ""
    reason = _no_containers()
    if not reason:
        return ""
    return f"{POSTGRESQL_URL} names no server (postgresql+psycopg://...), and {reason}"


@functools.cache
def _no_disk() -> str:
    with tempfile.TemporaryDirectory(prefix="alertproof-disk-") as folder:
        trial = [*on_own_disk(Path(folder), TRIAL_BYTES), "true"]
        try:
            done = subprocess.run(
                trial, capture_output=True, text=True, timeout=TRIAL_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"no mount namespace can be entered: {error}"
    if done.returncode == 0:
        return ""
    last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    return f"no tmpfs can be mounted in a namespace ({last}); run as root, or allow user namespaces"


@functools.cache
def _no_containers() -> str:
    # Loaded where it is asked for: the engine's client takes a third of a second.
    from stack.launch.containers import why_no_engine

    if reason := why_no_engine():
        return reason
    try:
        lacking_images = missing(Engine(), CONTAINER_IMAGES)
    except StackFailure as failure:
        return str(failure)
    if not lacking_images:
        return ""
    return f"the engine has no image of {', '.join(lacking_images)}; make them: nox -s images"


OF_THE_STACK = (OWN_WATCHERS, INJECTION, SAMPLE_LIMIT_SERIES)
"""Capabilities that only somebody else's stack may lack."""

_TRIED: dict[str, str] = {}


def _not_found(
    capability: str, find: Callable[[ToolSettings, SayLine], object], say: SayLine
) -> str:
    """Return why a tool can't be had, which is tried once."""
    if capability not in _TRIED:
        try:
            find(ToolSettings.from_env(), say)
        except ToolsUnavailable as error:
            _TRIED[capability] = str(error)
        else:
            _TRIED[capability] = ""
    return _TRIED[capability]


_REASONS: Mapping[str, Callable[[Mapping[str, str], SayLine], str]] = MappingProxyType(
    {
        POSTGRESQL: _no_postgresql,
        OWN_DISK: lambda _environment, _say: _no_disk(),
        CONTAINERS: lambda _environment, _say: _no_containers(),
        OWN_CLOCK: lambda _environment, say: _not_found(OWN_CLOCK, find_faketime, say),
        ELASTICSEARCH: lambda _environment, say: _not_found(ELASTICSEARCH, find_elasticsearch, say),
        **dict.fromkeys(OF_THE_STACK, lambda _environment, _say: ""),
        COMPOSE: lambda _environment, say: why_no_trial(say),
        COMPOSE_ACCOUNTS: lambda _environment, say: why_no_accounts(say),
        **{
            compose_with(image): lambda _environment, say, image=image: why_no_trial(say, image)  # type: ignore[misc]  # mypy infers no lambda with a default
            for image in EXTRAS
        },
    }
)
