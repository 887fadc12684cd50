"""What this run can have at all, declared before anything is tried.

One rule: a capability is read from settings and environment; a failed attempt never takes one away.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

POSTGRESQL = "postgresql"
POSTGRESQL_URL = "ALERTPROOF_POSTGRESQL_URL"

_WHY_NOT: Mapping[str, str] = MappingProxyType(
    {POSTGRESQL: f"{POSTGRESQL_URL} names no server; set it to postgresql+psycopg://..."}
)


def known() -> tuple[str, ...]:
    """Return the names of all capabilities."""
    return tuple(sorted(_WHY_NOT))


def have(environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Return the capabilities of a run in this environment."""
    return frozenset({POSTGRESQL} if environment.get(POSTGRESQL_URL) else ())


def why_not(capability: str) -> str:
    """Return why a run lacks this capability, and what would give it."""
    return _WHY_NOT[capability]
