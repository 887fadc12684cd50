"""What the six endpoints answer, apart from any framework: environ in, status and bytes out.

The blueprint and the port of their own both serve these answers. A caller who may not read is
told why; the probes answer everybody, but to such a caller with the status and nothing else.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from instrumentation import health
from instrumentation.access import Refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from instrumentation.extension import Instrumentation

DEFAULT_URL_PREFIX = "/api/metrics"


class Answer(NamedTuple):
    """One response, `Content-Length` excepted."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = MappingProxyType({})

    def header_list(self) -> list[tuple[str, str]]:
        """Return all headers. No answer may be kept by a cache: each is true for a moment."""
        return [
            ("Content-Type", self.content_type),
            ("Cache-Control", "no-store"),
            *self.headers.items(),
        ]


_Endpoint: TypeAlias = Callable[["Instrumentation", "WSGIEnvironment"], Answer]


def answer(one: "Instrumentation", name: str, environ: "WSGIEnvironment") -> Answer:
    """Answer the endpoint of that name, one of `NAMES`."""
    refusal = one.access.refusal(
        remote_address=_peer(environ),
        authorization=environ.get("HTTP_AUTHORIZATION", ""),
    )
    if name in _PROBES:
        body, status = _PROBES[name](one)
        return _health(body if refusal is None else {"status": body["status"]}, status)
    if refusal is not None:
        return _refused(refusal)
    return _READERS[name](one, environ)


def _peer(environ: "WSGIEnvironment") -> str:
    """Return the peer's own address, also where ProxyFix put a header's word in its place."""
    before_proxy_fix = environ.get("werkzeug.proxy_fix.orig", environ)
    return str(before_proxy_fix.get("REMOTE_ADDR", ""))


def _health_body(one: "Instrumentation") -> tuple[dict[str, Any], int]:
    body = {
        "status": "pass",
        "serviceId": one.app.name,
        "uptime_seconds": one.sampler.uptime_seconds,
    }
    if one.settings.service_version is not None:
        body["version"] = one.settings.service_version
    return body, 200


def _live_body(_one: "Instrumentation") -> tuple[dict[str, Any], int]:
    return {"status": "pass"}, 200


def _ready_body(one: "Instrumentation") -> tuple[dict[str, Any], int]:
    return one.readiness.answer()


def _prometheus(one: "Instrumentation", environ: "WSGIEnvironment") -> Answer:
    exposed = one.exposition.respond(
        environ.get("HTTP_ACCEPT", ""), environ.get("HTTP_ACCEPT_ENCODING", "")
    )
    headers = dict(exposed.headers)
    content_type = headers.pop("Content-Type")
    return Answer(status=200, body=exposed.body, content_type=content_type, headers=headers)


def _errors(one: "Instrumentation", _environ: "WSGIEnvironment") -> Answer:
    from instrumentation import reports  # here: a start should not pay for what people ask later

    return _json(reports.errors(one))


def _summary(one: "Instrumentation", _environ: "WSGIEnvironment") -> Answer:
    from instrumentation import reports

    return _json(reports.summary_of(one))


def _refused(refusal: Refusal) -> Answer:
    if refusal is Refusal.NETWORK:
        return plain(403, "INSTRUMENT_METRICS_ALLOW does not hold your address")
    return plain(
        401,
        "expected the header Authorization: Bearer TOKEN",
        {"WWW-Authenticate": 'Bearer realm="metrics"'},
    )


def _json(body: object, status: int = 200, content_type: str = "application/json") -> Answer:
    return Answer(status=status, body=json.dumps(body).encode() + b"\n", content_type=content_type)


def _health(body: dict[str, Any], status: int) -> Answer:
    return _json(body, status, health.CONTENT_TYPE)


def plain(status: int, text: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer of one line."""
    return Answer(
        status=status,
        body=f"{text}\n".encode(),
        content_type="text/plain; charset=utf-8",
        headers=headers or {},
    )


_PROBES: Mapping[str, Callable[["Instrumentation"], tuple[dict[str, Any], int]]] = {
    "health": _health_body,
    "live": _live_body,
    "ready": _ready_body,
}
_READERS: Mapping[str, _Endpoint] = {
    "prometheus": _prometheus,
    "errors": _errors,
    "summary": _summary,
}

NAMES = (*_PROBES, *_READERS)
