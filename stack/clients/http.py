"""Reading JSON and text over HTTP from a service of the stack, with a time-out on every request.

Design rule: the environment's proxies are never used (`trust_env` is off), as the stack is on
loopback or named by its owner; and no request is repeated unless the caller says which, as the
caller measures time.
"""

from __future__ import annotations

from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

__all__ = ["new_session", "read_json", "read_text"]

# The observer, every drill's thread and the progress display read at the same time.
_POOL_SIZE = 32


def new_session(
    *, token: str = "", authorities: Path | None = None, retry: Retry | None = None
) -> requests.Session:
    """Return a session that takes nothing from the environment.

    It shows the bearer `token`, believes the certificates of `authorities` (a PEM file; None for
    the usual ones), and repeats what `retry` says: by default nothing.
    """
    session = requests.Session()
    session.trust_env = False
    if token:
        session.headers["Authorization"] = f"Bearer {token}"
    if authorities is not None:
        session.verify = str(authorities)
    adapter = HTTPAdapter(pool_maxsize=_POOL_SIZE, max_retries=retry or Retry(total=0, read=False))
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
