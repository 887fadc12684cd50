"""One log record is one line of JSON with ECS names, whatever is in it; nothing here raises.

The usual record takes the short way: plain values, one call of the encoder. What the encoder
refuses, and what is longer than a record may be, takes the long way, where every value is made
plain and short first.
"""

import itertools
import logging
import math
import os
import time
from typing import NamedTuple

import orjson

from instrumentation.correlation import RequestState
from instrumentation.log_fields import (
    CALLERS_FIELDS,
    OWN,
    OWN_NUMBER,
    Document,
    FinishedRecord,
    all_plain,
    error_fields,
    extra_names,
    message_of,
    path_of,
)
from instrumentation.log_redaction import HIDDEN, Redactor
from instrumentation.log_values import LEFT_OUT, MAX_NODES, Plain, Shorter, shown_as

ECS_VERSION = "8.11.0"

SMALLEST_RECORD_BYTES = 1024
"""A cut record still says when, where, and the beginning of what: less than this is not asked."""

_LATEST_SECONDS = 253_402_300_800  # the end of the year 9999
_LARGEST_PID = 2**31
_SHORT_CHARACTERS = 256  # for names of loggers and threads
_FEWEST_CHARACTERS = 40  # ids and times stay whole
_LEAST = frozenset(
    {"@timestamp", "log.level", "message", "event.id", "request_id", "trace.id"}
    | {"log.truncated", "log.original_bytes"}
)
"""What is left of a record whose every field is too long."""


class Service(NamedTuple):
    """What stands in every record of one application; None is left out."""

    name: str
    version: str | None = None
    environment: str | None = None


class _TooLong(Exception):
    """A text is longer than a whole record may be."""


class LineFormatter:
    """Makes the lines of one application; many threads may use it at once."""

    def __init__(self, service: Service, *, redactor: Redactor, max_bytes: int) -> None:
        self._redactor = redactor
        self._max_bytes = max(max_bytes, SMALLEST_RECORD_BYTES)
        self._second = (-1, "")
        fields = {
            "ecs.version": ECS_VERSION,
            "service.name": service.name,
            "service.version": service.version,
            "service.environment": service.environment,
        }
        known = {name: value for name, value in fields.items() if value is not None}
        self._tail = b"," + orjson.dumps(known)[1:] + b"\n"
        self.begin_process()

    def begin_process(self) -> None:
        """Begin a new series of `event.id`, as a forked child must."""
        self._events = os.urandom(8).hex()
        self._numbers = itertools.count()

    def line(self, record: logging.LogRecord, state: RequestState | None) -> bytes:
        """Return the record as one line, its end included."""
        try:
            if type(record) is FinishedRecord:
                state = record.request_state
                path, query = path_of(state), state.query
                if len(path) + len(query) > self._max_bytes:
                    raise _TooLong
                query = query and self._redactor.query(query)
                body = orjson.dumps(self._finished(record, self._redactor.text(path), query))
            else:
                body = orjson.dumps(self._usual(record, state))
        except Exception:  # noqa: BLE001  # whatever it is that cannot be written: the long way can
            return self._long_way(record, state, None)
        size = len(body) + len(self._tail)
        if size > self._max_bytes:
            return self._long_way(record, state, size)
        return body[:-1] + self._tail

    def _usual(self, record: logging.LogRecord, state: RequestState | None) -> Document:
        redact = self._redactor.text
        message = record.msg
        if record.args or type(message) is not str:
            message = record.getMessage()
        left = self._max_bytes - len(message)  # more than a record holds need not be searched
        if left < 0:
            raise _TooLong
        document: Document = {
            "@timestamp": self._time(record.created),
            "log.level": record.levelname.lower(),
            "message": redact(message),
            "log.logger": record.name,
            "event.id": f"{self._events}-{next(self._numbers)}",
            "process.pid": record.process,
            "process.thread.name": record.threadName,
        }
        if state is not None:
            path = path_of(state)
            left -= len(path)
            if left < 0:
                raise _TooLong
            self._add_request(document, state, self._redactor.text(path))
        if record.exc_info or record.exc_text or record.stack_info:
            for name, text in error_fields(record).items():
                left -= len(text)
                if left < 0:
                    raise _TooLong
                document[name] = redact(text)
        fields = record.__dict__
        if len(fields) != OWN_NUMBER:
            self._add_extras(document, fields, left)
        return document

    def _add_request(self, document: Document, state: RequestState, path: str) -> None:
        document["request_id"] = state.request_id
        document["trace.id"] = state.trace_id
        document["span.id"] = state.span_id
        document["http.request.method"] = state.method
        document["url.path"] = path
        if state.user_id is not None:
            document["user.id"] = state.user_id

    def _add_extras(self, document: Document, fields: dict[str, object], left: int) -> None:
        extra: Document = {}
        redactor = self._redactor
        secret_names = redactor.secret_names
        plain: Plain | None = None
        for name in extra_names(fields):
            value = fields[name]
            if secret_names[name]:
                extra[name] = HIDDEN
                continue
            if type(value) is str:
                left -= len(value)
                if left < 0:
                    raise _TooLong
                value = redactor.text(value)
            elif type(value) is float and math.isfinite(value):
                pass
            elif type(value) is not int and type(value) is not bool:
                if plain is None:
                    plain = Plain(redactor, max_characters=self._max_bytes, characters=left)
                plain.characters = left
                value = plain.value(value)
                if plain.left_out:
                    raise _TooLong
                left = plain.characters
            if name in CALLERS_FIELDS and type(value) in CALLERS_FIELDS[name]:
                document[name] = value
            else:
                extra[name] = value
        if extra:
            document["extra"] = extra

    def _finished(self, record: FinishedRecord, path: str, query: str) -> Document:
        state = record.request_state
        latency_ms = state.latency_ms or 0.0
        document: Document = {
            "@timestamp": self._time(record.created),
            "log.level": record.levelname.lower(),
            "message": f"{state.method} {path} {state.status}",
            "log.logger": record.name,
            "event.id": f"{self._events}-{next(self._numbers)}",
            "process.pid": record.process,
            "process.thread.name": record.threadName,
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

    def _long_way(
        self, record: logging.LogRecord, state: RequestState | None, size: int | None
    ) -> bytes:
        """Return the line of a record that is odd or long, cut until it is short enough."""
        errors = error_fields(record)
        plain = Plain(self._redactor, max_characters=self._max_bytes)
        if isinstance(record, FinishedRecord):
            finished = record.request_state
            path, query = plain.text(path_of(finished)), plain.query(finished.query)
            whole_document = all_plain(self._finished(record, path, query), plain)
        else:
            whole_document = self._careful(record, state, message_of(record), errors, plain)
            whole_document["event.id"] = f"{self._events}-{next(self._numbers)}"
        document, longest = whole_document, self._max_bytes
        nodes = MAX_NODES
        while True:
            body = orjson.dumps(document)
            whole = len(body) + len(self._tail)
            if size is None and (plain.left_out or whole > self._max_bytes):
                size = whole + plain.left_out
            if size is not None:
                document["log.truncated"] = True
                document["log.original_bytes"] = size
                body = orjson.dumps(document)
                whole = len(body) + len(self._tail)
            if whole <= self._max_bytes:
                return body[:-1] + self._tail
            if longest <= _FEWEST_CHARACTERS:
                least = {name: document[name] for name in document if name in _LEAST}
                return orjson.dumps(least)[:-1] + self._tail
            fitting = longest - (whole - self._max_bytes)  # where one text is all that is long
            longest = max(fitting, longest // 2, _FEWEST_CHARACTERS)
            nodes //= 2
            shorter = Shorter(
                characters=longest,
                nodes=nodes,
                stack_length=len(errors.get("error.stack_trace", "")),
            )
            document = shorter.document(whole_document)

    def _careful(
        self,
        record: logging.LogRecord,
        state: RequestState | None,
        message: str,
        errors: dict[str, str],
        plain: Plain,
    ) -> Document:
        fields = vars(record)

        def short(name: str) -> str:
            return plain.text(shown_as(fields.get(name))[:_SHORT_CHARACTERS])

        created = fields.get("created")
        if not (isinstance(created, int | float) and 0 <= created < _LATEST_SECONDS):
            created = time.time()
        document: Document = {
            "@timestamp": self._time(created),
            "log.level": short("levelname").lower(),
            "message": plain.text(message),
            "log.logger": short("name"),
            "process.thread.name": short("threadName"),
        }
        process = fields.get("process")
        if type(process) is int and 0 < process <= _LARGEST_PID:
            document["process.pid"] = process
        if state is not None:
            self._add_request(document, state, plain.text(path_of(state)))
        for name, text in errors.items():
            document[name] = plain.stack(text) if name.endswith("trace") else plain.text(text)
        extra: Document = {}
        for key, value in list(fields.items()):
            if key in OWN:
                continue
            if plain.is_spent():
                extra[LEFT_OUT] = True
                break
            name = plain.name(key)
            shown = HIDDEN if self._redactor.is_secret(name) else plain.value(value)
            if name in CALLERS_FIELDS and type(shown) in CALLERS_FIELDS[name]:
                document[name] = shown
            else:
                extra[name] = shown
        if extra:
            document["extra"] = extra
        return all_plain(document, plain)

    def _time(self, created: float) -> str:
        """Return the time in UTC; the part before the point is made once a second."""
        known, stamp = self._second
        within = created - known
        if not 0 <= within < 1:
            if not 0 <= created < _LATEST_SECONDS:
                raise ValueError(created)
            known = int(created)
            within = created - known
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(known))
            self._second = (known, stamp)
        return "%s.%06dZ" % (stamp, within * 1e6)  # noqa: UP031  # a third faster than an f-string
