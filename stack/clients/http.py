"""Reading JSON and text over HTTP from a service of the stack, with a time-out on every request.

Design rule: the environment's proxies are never used (`trust_env` is off), as the stack is on
loopback or named by its owner; and no request is repeated unless the caller says which, as the
caller measures time.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from stack.trust import trusting

__all__ = ["new_session", "read_json", "read_text"]

# The observer, every drill's thread and the progress display read at the same time.
_POOL_SIZE = 32


class _Trusting(HTTPAdapter):
    """Believes what one TLS context believes."""

    def __init__(self, context: ssl.SSLContext, retry: Retry) -> None:
        self._context = context
        super().__init__(pool_maxsize=_POOL_SIZE, max_retries=retry)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave it to the context, into which each connection would load the usual ones anew."""


def new_session(
    *, token: str = "", authority: Path | None = None, retry: Retry | None = None
) -> requests.Session:
    """Return a session that takes nothing from the environment.

    It shows the bearer `token`, believes the `authority` of a PEM file beside the usual ones, and
    repeats what `retry` says: by default nothing. Raises OSError for an authority that can't be
    used.
    """
    session = requests.Session()
    session.trust_env = False
    if token:
        session.headers["Authorization"] = f"Bearer {token}"
    repeats = retry or Retry(total=0, read=False)
    adapter = HTTPAdapter(pool_maxsize=_POOL_SIZE, max_retries=repeats)
    session.mount("http://", adapter)
    session.mount("https://", _Trusting(trusting(authority), repeats) if authority else adapter)
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
