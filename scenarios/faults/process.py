"""What the process faults have in common: a witness that is a condition, awaited."""

from __future__ import annotations

from collections.abc import Callable

import requests

from scenarios.faults.fault import FaultDidNotBite, Witness
from scenarios.target import Target
from stack.waiting import WaitTimeout, wait_until

ANSWER_SECONDS = 0.5
"""How long an instance that is thought dead or frozen is given to prove the contrary."""


def witnessed(target: Target, condition: Callable[[], bool], text: str) -> Witness:
    """Wait until ``condition`` holds.

    Raises:
        FaultDidNotBite: it did not within the target's patience.
    """
    try:
        wait_until(
            lambda: condition() or None,
            what=f"{target.id}: {text}",
            timeout_seconds=target.patience_seconds,
        )
    except WaitTimeout as error:
        raise FaultDidNotBite(str(error)) from error
    return Witness.now(text)


def silent(target: Target) -> bool:
    """Return whether the instance gives no answer at all."""
    try:
        requests.get(target.instance.url + "/api/metrics/live", timeout=ANSWER_SECONDS)
    except requests.RequestException:
        return True
    return False


def status_of(target: Target, path: str) -> int:
    """Return the status with which a GET is answered; 0 for no answer."""
    try:
        return requests.get(target.instance.url + path, timeout=target.patience_seconds).status_code
    except requests.RequestException:
        return 0
