"""What the faults of a database have in common: a request that reads it, and the wait for it."""

from __future__ import annotations

from scenarios.faults.process import status_of
from scenarios.target import Target
from stack.waiting import wait_until


def wait_read(target: Target) -> None:
    """Wait until the service reads its database.

    Raises:
        WaitTimeout: it does not within the target's patience.
    """
    wait_until(
        lambda: status_of(target, target.page) == 200 or None,
        what=f"{target.id} to read its database again",
        timeout_seconds=target.patience_seconds,
    )
