"""What the faults of a PostgreSQL server have in common: the server, and how it is seen."""

from __future__ import annotations

from http import HTTPStatus

from scenarios.faults.fault import FaultDidNotBite
from scenarios.faults.process import status_of
from scenarios.target import Target
from stack.launch.containers.postgresql import PostgreSQL

READY = "/api/metrics/ready"
"""Answers within its deadline, whatever the database does."""


def server_of(target: Target) -> PostgreSQL:
    """Return the server that has the target's rows.

    Raises:
        FaultDidNotBite: there is none.
    """
    if target.postgresql is None:
        raise FaultDidNotBite(f"{target.id} has no PostgreSQL; give its Service one")
    return target.postgresql


def not_ready(target: Target) -> bool:
    """Return whether the service says of itself that it can't work."""
    return status_of(target, READY) == HTTPStatus.SERVICE_UNAVAILABLE
