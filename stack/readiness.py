"""The question that a load balancer would ask of Prometheus or Alertmanager: are you ready?

Design rule: one small request of the standard library, so that it can be asked often and before
any heavier client is imported.
"""

from __future__ import annotations

import http.client

from stack.ports import LOOPBACK
from stack.waiting import NotYet

__all__ = ["NOT_ANSWERING", "answers_ready"]

NOT_ANSWERING: tuple[type[Exception], ...] = (OSError, http.client.HTTPException)
"""What `answers_ready` raises while nothing answers: for `wait_until(retry_on=...)`."""

_REQUEST_TIMEOUT_SECONDS = 1.0


def answers_ready(port: int, *, host: str = LOOPBACK) -> bool:
    """Return True if `/-/ready` on this port, by default of loopback, answers 200.

    Raises `stack.waiting.NotYet` for another status, and one of `NOT_ANSWERING` without an answer.
    """
    connection = http.client.HTTPConnection(host, port, timeout=_REQUEST_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/-/ready")
        status = connection.getresponse().status
    finally:
        connection.close()
    if status != http.client.OK:
        raise NotYet(f"/-/ready answers {status}")
    return True
