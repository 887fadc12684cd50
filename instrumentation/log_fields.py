"""What a log record tells, and where that is found in it; a record may have been tampered with."""

import logging
import os
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from instrumentation.correlation import RequestState
from instrumentation.log_values import Plain, shown_as, unshown

_PLACEHOLDER = {**vars(logging.makeLogRecord({})), "args": ()}
_LEVEL_NAMES = {logging.DEBUG: "DEBUG", logging.INFO: "INFO", logging.ERROR: "ERROR"}
_LOADED_MS = time.time() * 1000  # about when logging was loaded, which only it knows
OWN = frozenset(_PLACEHOLDER) | {"message", "asctime", "taskName"}
"""Attributes that are no caller's `extra`."""

OWN_NUMBER = len(_PLACEHOLDER)
"""How many of them a record has to which nothing was added."""

LAST_OWN = list(_PLACEHOLDER)[-1]
"""The last of them, after which stands what was added."""

CALLERS_FIELDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("request_id", "trace.id", "span.id", "user.id"), (str,)),
    **dict.fromkeys(("http.request.method", "http.route", "url.path", "url.query"), (str,)),
    **dict.fromkeys(("event.duration", "http.response.body.bytes"), (int,)),
    **dict.fromkeys(("http.response.status_code",), (int,)),
    **dict.fromkeys(("latency_ms",), (int, float)),
}
"""What a caller may give as `extra` and have stand beside the message, with the type it must have;
everything else stands under `extra`, where it can break no type that the index expects."""

Document = dict[str, object]


class FinishedRecord(logging.LogRecord):
    """The record of a finished request, made without a search for its caller."""

    __slots__ = ("request_state", "share")  # where other handlers look for no extras

    def __init__(self, logger: str, level: int, state: RequestState, share: float | None) -> None:
        now = time.time()
        thread = threading.current_thread()
        # What LogRecord's own __init__ takes twice as long for.
        fields = _PLACEHOLDER.copy()
        fields["name"] = logger
        fields["levelno"] = level
        fields["levelname"] = _LEVEL_NAMES[level]
        path = state.path  # other handlers than ours may write it as it is
        shown = path if path.isprintable() else ascii(path)[1:-1]
        fields["msg"] = f"{state.method} {shown} {state.status}"
        fields["created"] = now
        fields["msecs"] = now % 1 * 1000
        fields["relativeCreated"] = now * 1000 - _LOADED_MS
        fields["thread"] = thread.ident
        fields["threadName"] = thread.name
        fields["process"] = os.getpid()
        self.__dict__ = fields
        self.request_state = state
        self.share = share

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], logging.LogRecord], tuple[Any]]:
        """Be an ordinary record in another process, where this one's request is unknown."""
        return logging.makeLogRecord, (dict(self.__dict__),)


def added_names(fields: dict[str, object]) -> list[str]:
    """Return the names that were added to a record's own, in their order, or all of them.

    Some may be in `OWN`: what was added may be what `logging` itself adds later.
    """
    names = list(fields)
    if len(names) >= OWN_NUMBER and names[OWN_NUMBER - 1] == LAST_OWN:
        return names[OWN_NUMBER:]
    return names  # something was taken away, or came first


def path_of(state: RequestState) -> str:
    """Return the path as its bytes mean it: WSGI hands them over as if they were Latin-1."""
    path = state.path
    if path.isascii():
        return path
    try:
        return path.encode("latin-1").decode()
    except UnicodeError:  # bytes that are no UTF-8, or a server that decoded them itself
        return path


def add_request(document: Document, state: RequestState, path: str) -> None:
    """Add what is known of the request that a record belongs to."""
    document["request_id"] = state.request_id
    document["trace.id"] = state.trace_id
    document["span.id"] = state.span_id
    document["http.request.method"] = state.method
    document["url.path"] = path
    if state.user_id is not None:
        document["user.id"] = state.user_id


def finished_fields(record: FinishedRecord, path: str, query: str) -> Document:
    """Return what a finished request's record tells; `path` and `query` are fit to be shown."""
    state = record.request_state
    latency_ms = state.latency_ms or 0.0
    document: Document = {
        "message": f"{state.method} {path} {state.status}",
        "request_id": state.request_id,
        "trace.id": state.trace_id,
        "span.id": state.span_id,
        "http.request.method": state.method,
        "http.response.status_code": state.status,
        "http.response.body.bytes": state.response_bytes,
        "url.path": path,
        "event.duration": int(latency_ms * 1e6),
        "latency_ms": round(latency_ms, 3),
    }
    if query:
        document["url.query"] = query
    if state.rule is not None:
        document["http.route"] = state.rule
    if state.user_id is not None:
        document["user.id"] = state.user_id
    if state.error_type is not None:
        document["error.type"] = state.error_type
    if record.share is not None:
        document["event.sample_rate"] = record.share
    return document


def all_plain(document: Document, plain: Plain) -> Document:
    """Return the document with every text short and clean; its stack trace is so already."""
    return {
        name: plain.text(value) if isinstance(value, str) and "stack" not in name else value
        for name, value in document.items()
    }


def message_of(record: logging.LogRecord) -> str:
    """Return the message; where the arguments do not fit, both, so that nothing is lost."""
    try:
        return str.__str__(record.getMessage())
    except Exception:  # noqa: BLE001  # arguments of any kind that do not fit, or cannot be shown
        return f"{shown_as(record.msg)} {_arguments(record.args)}"


def _arguments(arguments: object) -> str:
    try:
        return repr(arguments)
    except Exception as error:  # noqa: BLE001  # a foreign object may raise anything at all
        return unshown(arguments, error)


def error_fields(record: logging.LogRecord) -> dict[str, str]:
    """Return what is known of the exception that a record tells of, or of its stack."""
    fields: dict[str, str] = {}
    info = record.exc_info
    error = info[1] if isinstance(info, tuple) and len(info) > 1 else info
    if isinstance(error, BaseException):
        fields["error.type"] = type(error).__name__
        fields["error.message"] = shown_as(error)
        try:
            fields["error.stack_trace"] = "".join(traceback.format_exception(error)).rstrip("\n")
        except Exception as failure:  # noqa: BLE001  # an exception is a foreign object as well
            fields["error.stack_trace"] = unshown(error, failure)
    elif record.exc_text:
        fields["error.stack_trace"] = shown_as(record.exc_text)
    elif record.stack_info:
        fields["error.stack_trace"] = shown_as(record.stack_info)
    return fields
