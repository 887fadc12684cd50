"""Reading JSON and text over HTTP from a service of the stack, with a time-out on every request.

Design rule: the environment's proxies are never used (`trust_env` is off), as the stack is on
loopback or named by its owner; and no request is repeated behind the caller's back, as the
caller measures time.
"""

from __future__ import annotations

import requests
from requests.adapters import HTTPAdapter

__all__ = ["new_session", "read_json", "read_text"]

# The observer, every drill's thread and the progress display read at the same time.
_POOL_SIZE = 32


def new_session() -> requests.Session:
    """Return a session that takes nothing from the environment and repeats nothing."""
    session = requests.Session()
    session.trust_env = False
    adapter = HTTPAdapter(pool_maxsize=_POOL_SIZE, max_retries=0)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def read_text(
    session: requests.Session,
    url: str,
    *,
    params: dict[str, str] | None = None,
    timeout_seconds: float,
) -> str:
    """GET `url` and return its body. Raises requests.RequestException, on any 4xx or 5xx too."""
    response = session.get(url, params=params, timeout=timeout_seconds)
    response.raise_for_status()
    return response.text


def read_json(
    session: requests.Session,
    url: str,
    *,
    params: dict[str, str] | None = None,
    timeout_seconds: float,
) -> object:
    """GET `url` and return its JSON. Raises requests.RequestException as `read_text`, and for a
    body that is not JSON.
    """
    response = session.get(url, params=params, timeout=timeout_seconds)
    response.raise_for_status()
    answer: object = response.json()
    return answer
