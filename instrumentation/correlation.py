"""Who a request is: its id, its place in a trace, and what is known of it so far.

Ids are accepted from a client only in forms that can neither break a log nor forge a header; a
request without a trace begins one, so that every record and every exemplar leads somewhere.
"""

import os
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
"""What a client may call its request; anything else could forge or break a log."""

_TRACEPARENT = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<parent>[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


class RequestState:
    """What is known of one request; who writes which part stands in `instrumentation.edge`.

    `trace_id` and `span_id` (ours) are lower-case hex, `parent_id` is the caller's span or None.
    `status` is None until the response starts. `rule` and `endpoint` are None until the request
    is matched, and for good where no route matches; `routed` says that matching was tried. `path`
    begins with `mount`, where the application is mounted below the server's root.
    `counted` tells a request that metrics count from those that read them. `latency_ms` and
    `response_bytes` are final when the request is finished. `error_type` is the class name of an
    exception that no view caught; `broke` says that the application failed while it answered, and
    `cut_short` that the server stopped before the body's end, as it does when the client is gone.
    """

    __slots__ = (
        *("app", "request_id", "trace_id", "span_id", "parent_id", "trace_flags"),
        *("user_id", "method", "mount", "path", "query", "routed", "rule", "endpoint"),
        *("started", "counted", "status", "error_type", "broke", "cut_short"),
        *("latency_ms", "response_bytes"),
    )

    def __init__(
        self,
        app: "Flask",
        *,
        method: str,
        path: str,
        mount: str = "",
        query: str = "",
        request_id: str | None = None,
        traceparent: str | None = None,
        started: float = 0.0,
    ) -> None:
        self.app = app
        self.method = method
        self.mount = mount
        self.path = mount + path
        self.query = query
        self.started = started
        random = os.urandom(24).hex()
        self.span_id = random[32:]
        caller = parse_traceparent(traceparent) if traceparent else None
        if caller is None:
            self.trace_id, self.parent_id, self.trace_flags = random[:32], None, "00"
        else:
            self.trace_id, self.parent_id, self.trace_flags = caller
        if request_id is not None and REQUEST_ID.fullmatch(request_id):
            self.request_id = request_id
        else:
            self.request_id = random[:32]
        self.user_id: str | None = None
        self.routed = False
        self.counted = False
        self.status: int | None = None
        self.error_type: str | None = None
        self.broke = self.cut_short = False
        self.rule: str | None = None
        self.endpoint: str | None = None
        self.latency_ms: float | None = None
        self.response_bytes = 0

    @property
    def failed(self) -> bool:
        """Whether the service failed: a 5xx status, or a body that broke off."""
        return self.broke or (self.status or 500) >= 500

    @property
    def traceparent(self) -> str:
        """The header that a call made on this request's behalf carries."""
        return f"00-{self.trace_id}-{self.span_id}-{self.trace_flags}"


CURRENT: ContextVar[RequestState | None] = ContextVar("instrumentation_request", default=None)
"""The request on whose behalf this code runs; None outside of one."""


def parse_traceparent(header: str) -> tuple[str, str, str] | None:
    """Return (trace id, parent id, flags) of a W3C `traceparent`, or None where it is not one.

    As the Trace Context recommendation asks: version ff and ids of zeros are invalid, version 00
    has four parts exactly, and a later version may have more, which are ignored.
    """
    match = _TRACEPARENT.fullmatch(header)
    if match is None or match["version"] == "ff":
        return None
    if match["version"] == "00" and match["more"] is not None:
        return None
    trace, parent = match["trace"], match["parent"]
    if trace == _NO_TRACE or parent == _NO_SPAN:
        return None
    return trace, parent, match["flags"]
