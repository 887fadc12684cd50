"""The WSGI edge: each response is seen once, when it is finished, with the status the client saw.

Error handlers, aborts, exceptions that escape the application and bodies that break while they
are streamed all pass here; what happens inside Flask only adds the matched rule and the type of
the exception. Middleware that is wrapped around the application afterwards lies outside.

Finished means read to the end or closed, as every server does; Flask's test client does so when
`response.data` is read, not when only the status is looked at.
"""

import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask, got_request_exception, request, request_started
from werkzeug.exceptions import HTTPException

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,128}")
"""What a client may call its request or its user; anything else could forge or break a log."""

_EXTENSION = "instrumentation.edge"
_ENVIRON_KEY = "instrumentation.request"


@dataclass(slots=True, kw_only=True)
class RequestState:
    """What is known of a request so far; `status` stays None until the response starts."""

    app: Flask
    request_id: str
    user_id: str | None
    method: str
    path: str
    started: float
    rule: str | None = None
    endpoint: str | None = None
    status: int | None = None
    error_type: str | None = None
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRequest:
    """One answered request: `rule` and `endpoint` are None where no route matched.

    `error_type` is the class name of the exception that ended it, if one was seen.
    """

    request_id: str
    user_id: str | None
    method: str
    path: str
    rule: str | None
    endpoint: str | None
    status: int
    error_type: str | None
    latency_ms: float


Observer = Callable[[FinishedRequest], None]

CURRENT: ContextVar[RequestState | None] = ContextVar("instrumentation_request", default=None)
"""The request that this thread is answering; log records take their request id from it."""


class RequestEdge:
    """WSGI middleware that gives each request an identity and reports each response once."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._inner: WSGIApplication = app.wsgi_app
        self._observers: list[Observer] = []
        self._on_request: list[Callable[[], None]] = []
        request_started.connect(self._on_matched, app)
        got_request_exception.connect(self._on_exception, app)

    def observe(self, observer: Observer) -> None:
        """Have `observer` called once for each finished request, in the thread that answered it."""
        if observer not in self._observers:
            self._observers.append(observer)

    def before_each(self, hook: Callable[[], None]) -> None:
        """Have `hook` called before each request; it must be cheap and must not raise."""
        self._on_request.append(hook)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "_Body":
        """Answer one request; this is the application that the server sees."""
        for hook in self._on_request:
            hook()
        state = RequestState(
            app=self._app,
            request_id=_accepted(environ.get("HTTP_X_REQUEST_ID")) or uuid.uuid4().hex,
            user_id=_accepted(environ.get("HTTP_X_USER_ID")),
            method=environ.get("REQUEST_METHOD", ""),
            path=environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""),
            started=time.perf_counter(),
        )
        environ[_ENVIRON_KEY] = state
        CURRENT.set(state)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
            state.status = int(status[:3])
            named = [pair for pair in headers if pair[0].lower() != "x-request-id"]
            return start_response(status, [*named, ("X-Request-Id", state.request_id)], exc_info)

        try:
            body = self._inner(environ, start)
        except BaseException as error:
            state.status = 500  # the server answers for an application that raised
            state.error_type = type(error).__name__
            self._finish(state, environ)
            raise
        return _Body(body, state, lambda: self._finish(state, environ))

    def _on_matched(self, _app: Flask, **_extra: object) -> None:
        state = request.environ.get(_ENVIRON_KEY)
        if isinstance(state, RequestState) and request.url_rule is not None:
            state.rule = request.url_rule.rule
            state.endpoint = request.url_rule.endpoint

    def _on_exception(self, _app: Flask, exception: BaseException, **_extra: object) -> None:
        state = request.environ.get(_ENVIRON_KEY)
        if isinstance(state, RequestState):
            state.error_type = type(exception).__name__

    def _finish(self, state: RequestState, environ: "WSGIEnvironment") -> None:
        if state.rule is None:
            self._match(state, environ)
        state.latency_ms = (time.perf_counter() - state.started) * 1000.0
        finished = FinishedRequest(
            request_id=state.request_id,
            user_id=state.user_id,
            method=state.method,
            path=state.path,
            rule=state.rule,
            endpoint=state.endpoint,
            status=state.status or 500,
            error_type=state.error_type,
            latency_ms=state.latency_ms,
        )
        try:
            for observer in self._observers:
                observer(finished)
        finally:
            if CURRENT.get() is state:
                CURRENT.set(None)

    def _match(self, state: RequestState, environ: "WSGIEnvironment") -> None:
        """Find the rule of a request that never reached Flask's own matching."""
        try:
            rule, _ = self._app.url_map.bind_to_environ(environ).match(return_rule=True)
        except (HTTPException, ValueError):  # no such route, or no usable host in the environ
            return
        state.rule, state.endpoint = rule.rule, rule.endpoint


class _Body:
    """The response's body, which is finished when the server closes it."""

    __slots__ = ("_body", "_finish", "_iterator", "_sent", "_state")

    def __init__(
        self, body: Iterable[bytes], state: RequestState, finish: Callable[[], None]
    ) -> None:
        self._finish: Callable[[], None] | None = finish
        self._state = state
        self._sent = False
        self._body = body
        self._iterator: Iterator[bytes] = iter(body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._iterator)
        except StopIteration:
            self._report()  # the server asks for more once it has written everything
            raise
        except BaseException as error:
            self._state.error_type = type(error).__name__
            if not self._sent:
                self._state.status = 500  # nothing was sent, so the server still can say so
            raise
        self._sent = self._sent or bool(chunk)
        return chunk

    def close(self) -> None:
        """Close the application's body, then report the response unless that is done."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._report()

    def __del__(self) -> None:
        self._report()  # a server, or a test client, that never closed what it was given

    def _report(self) -> None:
        finish, self._finish = self._finish, None
        if finish is not None:
            finish()


def request_edge(app: Flask) -> RequestEdge:
    """Return the application's one edge, which is put around it at the first call."""
    edge: RequestEdge | None = app.extensions.get(_EXTENSION)
    if edge is None:
        edge = RequestEdge(app)
        app.extensions[_EXTENSION] = edge
        # Flask's own documentation assigns wsgi_app to add middleware; mypy calls it a method.
        app.wsgi_app = edge  # type: ignore[method-assign]  # see above
    return edge


def _accepted(identifier: str | None) -> str | None:
    return identifier if identifier and IDENTIFIER.fullmatch(identifier) else None
