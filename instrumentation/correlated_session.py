"""Calls that a request makes carry its id and trace, to the origins that were named and no other.

A request's id may hold what a client chose, and a trace tells who calls whom: neither is anything
for a stranger, so that there is no default, and a redirect to another host gets neither.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter

from instrumentation.correlation import CURRENT

_PORTS = {"http": 80, "https": 443}
_ORIGIN = re.compile(r"(?i:https?)://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?/?")

Origin = tuple[str, str, int | None]


def correlated_session(*origins: str) -> Session:
    """Return a session that sends `X-Request-Id` and `traceparent` of the current request.

    They go to `origins` only, each like `https://payments.internal` or `http://127.0.0.1:8080`,
    and only where the caller has not set the header. Outside a request nothing is added. Raises
    ValueError for an origin that is none.
    """
    known = frozenset(_named_origin(one) for one in origins)
    session = Session()
    for prefix in ("http://", "https://"):
        session.mount(prefix, _CorrelatedAdapter(known))
    return session


class _CorrelatedAdapter(HTTPAdapter):
    """Adds the headers to a copy, so that a redirect begins without them."""

    def __init__(self, origins: frozenset[Origin]) -> None:
        super().__init__()
        self._origins = origins

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Send the request; each hop of a redirect comes here anew."""
        state = CURRENT.get()
        if state is not None and _origin(request.url or "") in self._origins:
            request = request.copy()
            request.headers.setdefault("X-Request-Id", state.request_id)
            request.headers.setdefault("traceparent", state.traceparent)
        return super().send(
            request, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies
        )


def _named_origin(text: str) -> Origin:
    """Return an origin that was meant; whatever else could match nothing, or be a secret."""
    try:
        if _ORIGIN.fullmatch(text):
            return _origin(text)
    except ValueError:  # no such port, or no such address
        pass
    shown = text.rpartition("@")[2]  # a password before it is nothing for a log
    raise ValueError(
        f"{shown!r} is no origin; expected scheme, host and port alone, without user, path or "
        "wildcard, like https://payments.internal or http://127.0.0.1:8080"
    )


def _origin(url: str) -> Origin:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
