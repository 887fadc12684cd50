"""What the faults of a PostgreSQL server have in common: the server, and how it is seen."""

from __future__ import annotations

from http import HTTPStatus

from scenarios.faults.fault import FaultDidNotBite
from scenarios.faults.process import status_of
from scenarios.target import Target
from stack.launch.containers.postgresql import PostgreSQL
from stack.waiting import wait_until

READS_DATABASE = "/api/users"
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


def wait_read(target: Target) -> None:
    """Wait until the service reads its database.

    Raises:
        WaitTimeout: it does not within the target's patience.
    """
    wait_until(
        lambda: status_of(target, READS_DATABASE) == 200 or None,
        what=f"{target.id} to read its database again",
        timeout_seconds=target.patience_seconds,
    )
