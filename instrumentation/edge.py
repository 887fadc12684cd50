"""The WSGI edge: each response is seen once, with the status that the client saw.

Error handlers, aborts, exceptions that escape the application and bodies that break while they
are streamed all pass here; what happens inside Flask only adds the matched rule and the type of
the exception. Middleware that is wrapped around the application afterwards lies outside.

A response is *answered* when its last byte is handed to the server, and *finished* when the
server has written it, or gave up. Counting at the first of the two means that no client ever holds
a response that was not counted, even when the process is killed at that moment; measuring at the
second means that a slow client is part of the latency.

Finished means read to the end or closed, as every server does; Flask's test client does so when
`response.data` is read, not when only the status is looked at.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from flask import Flask, got_request_exception, request

from instrumentation.correlation import CURRENT, RequestState

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LOGGER = logging.getLogger(__name__)

_EXTENSION = "instrumentation.edge"
_ENVIRON_KEY = "instrumentation.request"

Observer = Callable[[RequestState], None]


class Meter(Protocol):
    """What measures requests; each method is called once a request, in the answering thread."""

    def begun(self, state: RequestState) -> None:
        """Take note of a request that has come in."""

    def answered(self, state: RequestState) -> None:
        """Count a request: `status`, `rule` and `error_type` are final but for a broken write."""

    def finished(self, state: RequestState) -> None:
        """Measure a request: everything about it is final."""


class RequestEdge:
    """WSGI middleware that gives each request an identity and reports each response once."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._inner: WSGIApplication = app.wsgi_app
        self._meters: tuple[Meter, ...] = ()
        self._observers: tuple[Observer, ...] = ()
        self._on_request: tuple[Callable[[], None], ...] = ()
        self._abandoned: deque[_Answer] = deque()
        # Before all other hooks, the team's own among them: any of those may abort the request.
        app.url_value_preprocessors.setdefault(None, []).insert(0, self._on_routed)
        got_request_exception.connect(self._on_exception, app)

    def measure(self, meter: Meter) -> None:
        """Have `meter` told of each request."""
        self._meters += (meter,)

    def observe(self, observer: Observer) -> None:
        """Have `observer` called once for each finished request, in the thread that answered it."""
        if observer not in self._observers:
            self._observers += (observer,)

    def before_each(self, hook: Callable[[], None]) -> None:
        """Have `hook` called before each request; it must be cheap and must not raise."""
        self._on_request += (hook,)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request; this is the application that the server sees."""
        for hook in self._on_request:
            hook()
        if self._abandoned:
            self.report_abandoned()
        outer = environ.get(_ENVIRON_KEY)
        state = _state_of(self._app, environ, outer)
        answer = _Answer(self, state, environ, start_response, outer)
        environ[_ENVIRON_KEY] = state
        CURRENT.set(state)
        for meter in self._meters:
            meter.begun(state)
        try:
            body = self._inner(environ, answer.start)
        except BaseException as error:
            state.status = 500  # the server answers for an application that raised
            state.error_type, state.broke = type(error).__name__, True
            answer.report()
            answer.leave()
            raise
        return answer.take(body)

    def report_abandoned(self) -> None:
        """Report responses that nobody closed, which the garbage collector found."""
        while self._abandoned:
            self._abandoned.popleft().report()

    def abandon(self, answer: "_Answer") -> None:
        """Keep a response for `report_abandoned`.

        The collector comes in the midst of anything, also while this thread holds a metric's lock.
        """
        self._abandoned.append(answer)

    def answered(self, state: RequestState, environ: "WSGIEnvironment") -> None:
        """Have a request counted; what goes wrong with that must not become the response's."""
        try:
            if not state.routed:
                self._match(state, environ)
            for meter in self._meters:
                meter.answered(state)
        except Exception:
            _LOGGER.exception("a request could not be counted")

    def finished(self, state: RequestState) -> None:
        """Have a request measured, and told to whoever observes."""
        state.latency_ms = (time.perf_counter() - state.started) * 1000.0
        try:
            for meter in self._meters:
                meter.finished(state)
            for observer in self._observers:
                observer(state)
        except Exception:
            _LOGGER.exception("a request could not be measured")

    @staticmethod
    def _on_routed(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
        state = CURRENT.get()
        if state is not None:
            state.routed = True
            if (rule := request.url_rule) is not None:
                state.rule, state.endpoint = rule.rule, rule.endpoint

    @staticmethod
    def _on_exception(_app: Flask, exception: BaseException, **_extra: object) -> None:
        state = CURRENT.get()
        if state is not None:
            state.error_type = type(exception).__name__

    def _match(self, state: RequestState, environ: "WSGIEnvironment") -> None:
        """Find the rule of a request that never reached Flask's own matching."""
        state.routed = True
        try:
            rule, _ = self._app.url_map.bind_to_environ(environ).match(return_rule=True)
        except Exception:  # noqa: BLE001 - no such route, or a converter of the team's own raised
            return
        state.rule, state.endpoint = rule.rule, rule.endpoint


class _Answer:
    """One response on its way: the `start_response` of the application, the body of the server."""

    __slots__ = (
        *("_answered", "_body", "_edge", "_environ", "_expected_bytes", "_finished"),
        *("_next", "_outer", "_start_response", "_state"),
    )

    def __init__(
        self,
        edge: RequestEdge,
        state: RequestState,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
        outer: RequestState | None,
    ) -> None:
        self._edge = edge
        self._state = state
        self._environ = environ
        self._start_response = start_response
        self._outer = outer
        self._expected_bytes = -1
        self._answered = self._finished = False
        self._body: Iterable[bytes] = ()

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        """Note the status and the length, and add the request's id to the headers."""
        state = self._state
        code = status[:3]
        state.status = int(code) if code.isdecimal() else 0  # what a server makes of it is its own
        for name, value in headers:
            match len(name):
                case 14 if name.lower() == "content-length" and value.isdecimal():
                    self._expected_bytes = int(value)
                case 12 if name.lower() == "x-request-id":
                    headers = [pair for pair in headers if pair[0].lower() != "x-request-id"]
        return self._start_response(
            status, [*headers, ("X-Request-Id", state.request_id)], exc_info
        )

    def take(self, body: Iterable[bytes]) -> Iterable[bytes]:
        """Take the application's body, and return what the server is to read."""
        wrapper = self._environ.get("wsgi.file_wrapper")
        if isinstance(wrapper, type) and isinstance(body, wrapper) and self._watch(body):
            return body
        self._body = body
        self._next = iter(body).__next__
        return self

    def _watch(self, file: Any) -> bool:
        """Leave a file to the server, which may have the kernel send it, and watch its end."""
        close_file = getattr(file, "close", None)

        def close() -> None:
            try:
                if close_file is not None:
                    close_file()
            finally:
                self._state.response_bytes = max(0, self._expected_bytes)
                self.report()
                self.leave()

        try:
            file.close = close
        except AttributeError:  # a server's own kind, which takes no other
            return False
        self._answered = True
        self._edge.answered(self._state, self._environ)
        return True

    def __iter__(self) -> "_Answer":
        return self

    def __next__(self) -> bytes:
        state = self._state
        try:
            chunk = self._next()
        except StopIteration:
            self.report()  # the server asks for more once it has written everything
            raise
        except BaseException as error:
            state.error_type, state.broke = type(error).__name__, True
            if not state.response_bytes:
                state.status = 500  # nothing was sent, so the server still can say so
            self.report()
            raise
        state.response_bytes += len(chunk)
        if state.response_bytes == self._expected_bytes and not self._answered:
            self._answered = True
            self._edge.answered(state, self._environ)
        return chunk

    def close(self) -> None:
        """Close the application's body, then report the response unless that is done."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            state = self._state
            if not (self._finished or state.broke):
                state.cut_short = state.response_bytes != self._expected_bytes
            self.report()
            self.leave()

    def __del__(self) -> None:
        if not self._finished:  # a server, or a test client, never closed what it was given
            self._edge.abandon(self)

    def report(self) -> None:
        """Report the response, the first time."""
        if self._finished:
            return
        self._finished = True
        state = self._state
        if not self._answered:
            self._answered = True
            if state.status is None:
                state.status = 500  # the application never began a response
            self._edge.answered(state, self._environ)
        self._edge.finished(state)

    def leave(self) -> None:
        """Have this thread work for nobody, or for the request inside which this one was made."""
        if CURRENT.get() is self._state:
            CURRENT.set(self._outer)


def request_edge(app: Flask) -> RequestEdge:
    """Return the application's one edge, which is put around it at the first call."""
    edge: RequestEdge | None = app.extensions.get(_EXTENSION)
    if edge is None:
        edge = RequestEdge(app)
        app.extensions[_EXTENSION] = edge
        # Flask's own documentation assigns wsgi_app to add middleware; mypy calls it a method.
        app.wsgi_app = edge  # type: ignore[method-assign]  # see above
    return edge


def _state_of(app: Flask, environ: "WSGIEnvironment", outer: RequestState | None) -> RequestState:
    """Make the state of a request; one that came through another edge keeps its identity."""
    request_id = environ.get("HTTP_X_REQUEST_ID")
    traceparent = environ.get("HTTP_TRACEPARENT")
    if outer is not None:
        request_id, traceparent = outer.request_id, outer.traceparent
    return RequestState(
        app,
        method=environ.get("REQUEST_METHOD", ""),
        path=environ.get("PATH_INFO", ""),
        mount=environ.get("SCRIPT_NAME", ""),
        query=environ.get("QUERY_STRING", ""),
        request_id=request_id,
        traceparent=traceparent,
        started=time.perf_counter(),
    )
