"""One log record is one line of JSON with ECS names, whatever is in it; nothing here raises.

The usual record takes the short way: plain values, one call of the encoder. What the encoder
refuses, and what is longer than a record may be, takes the long way, where every value is made
plain and short first.
"""

import logging
import math
import time
from itertools import islice

import orjson

from instrumentation.correlation import RequestState
from instrumentation.log_fields import (
    CALLERS_FIELDS,
    LAST_OWN,
    OWN,
    OWN_NUMBER,
    Document,
    FinishedRecord,
    add_request,
    added_names,
    all_plain,
    error_fields,
    finished_fields,
    message_of,
    path_of,
)
from instrumentation.log_parts import LATEST_SECONDS, LineParts, Service, time_of
from instrumentation.log_redaction import HIDDEN, Names, Redactor
from instrumentation.log_values import (
    LEFT_OUT,
    MAX_KEY_CHARACTERS,
    MAX_NODES,
    Plain,
    Shorter,
    shown_as,
)

SMALLEST_RECORD_BYTES = 1024
"""A cut record still says when, where, and the beginning of what: less than this is not asked."""

_LARGEST_PID = 2**31
_SHORT_CHARACTERS = 256  # for names of loggers and threads
_FEWEST_CHARACTERS = 40  # ids and times stay whole
_LEAST = frozenset(
    {"@timestamp", "log.level", "message", "event.id", "request_id", "trace.id"}
    | {"log.truncated", "log.original_bytes"}
)
"""What is left of a record whose every field is too long."""

_AS_THEY_ARE = frozenset({int, bool, type(None)})
_NOTHING = ("",)

_SEARCHED = ("message", "url.path", "error.type", "error.message", "error.stack_trace")
"""Fields that may hold a secret in their text."""


class _TooLong(Exception):
    """A text is longer than a whole record may be."""


class LineFormatter:
    """Makes the lines of one application; many threads may use it at once."""

    def __init__(self, service: Service, *, redactor: Redactor, max_bytes: int) -> None:
        self._redactor = redactor
        self._max_bytes = max(max_bytes, SMALLEST_RECORD_BYTES)
        self._parts = LineParts(service)
        self._secret_names = secret_names = redactor.secret_names
        self._ordinary = Names(
            lambda name: not (name in OWN or name in CALLERS_FIELDS or secret_names[name])
        )

    def begin_process(self) -> None:
        """Begin a new series of `event.id`, as a forked child must."""
        self._parts.begin_process()

    def line(self, record: logging.LogRecord, state: RequestState | None) -> bytes:
        """Return the record as one line, its end included."""
        try:
            if type(record) is FinishedRecord:
                document = self._finished_usual(record)
            else:
                document = self._usual(record, state)
            line = self._parts.line(record, orjson.dumps(document))
        except Exception:  # noqa: BLE001  # whatever it is that cannot be written: the long way can
            return self._long_way(record, state, None)
        if len(line) > self._max_bytes:
            return self._long_way(record, state, len(line))
        return line

    def _usual(self, record: logging.LogRecord, state: RequestState | None) -> Document:
        message = record.msg
        if record.args or type(message) is not str:
            message = record.getMessage()
        document: Document = {"message": message}
        texts = [message]
        if state is not None:
            path = path_of(state)
            add_request(document, state, path)
            texts.append(path)
        if record.exc_info or record.exc_text or record.stack_info:
            errors = error_fields(record)
            document.update(errors)
            texts += errors.values()
        fields = record.__dict__
        extra: Document | None = {}
        if len(fields) != OWN_NUMBER:
            extra = self._plain_extras(fields, texts)
        searched = "\n".join(texts)  # one search costs less than one for each
        left = self._max_bytes
        if len(searched) > left:  # more than a record holds need not be searched
            raise _TooLong
        if extra is not None and self._redactor.is_clean(searched):
            if extra:
                document["extra"] = extra
            return document
        for name in _SEARCHED:
            if isinstance(text := document.get(name), str):
                left -= len(text)
                document[name] = self._redactor.text(text)
        self._add_extras(document, fields, left)
        return document

    def _plain_extras(self, fields: dict[str, object], texts: list[str]) -> Document | None:
        """Return extras that JSON can hold as they are, and add their texts to those to search.

        None where one is another, is secret by its name, or does not stand under `extra`.
        """
        added = islice(fields.items(), OWN_NUMBER - 1, None)
        if next(added, _NOTHING)[0] != LAST_OWN:  # something was taken away, or came first
            return None
        extra = dict(added)
        ordinary = self._ordinary
        nodes = own = 0
        for name, value in extra.items():
            if not ordinary[name]:
                if name not in OWN:
                    return None
                own += 1
                continue
            kind = type(value)
            if kind is str:
                texts.append(value)  # type: ignore[arg-type]  # mypy does not narrow by `kind`
            elif kind in _AS_THEY_ARE:
                continue
            elif kind is float:
                if not math.isfinite(value):  # type: ignore[arg-type]  # likewise
                    return None
            elif kind is list:
                items = extra[name] = value.copy()  # type: ignore[attr-defined]  # likewise
                nodes += len(items)
                if nodes > MAX_NODES or not self._is_plain(items, texts):
                    return None
            else:
                return None
        if own:
            return {name: value for name, value in extra.items() if name not in OWN}
        return extra

    def _is_plain(self, items: list[object], texts: list[str]) -> bool:
        """Tell whether a list holds texts and whole numbers only, and is no secret's pair."""
        for item in items:
            if type(item) is str:
                texts.append(item)
            elif type(item) is not int:
                return False
        first = items[0] if len(items) == 2 else None
        return type(first) is not str or not self._secret_names[first[:MAX_KEY_CHARACTERS]]

    def _add_extras(self, document: Document, fields: dict[str, object], left: int) -> None:
        extra: Document = {}
        redactor = self._redactor
        secret_names = self._secret_names
        plain: Plain | None = None
        for name in added_names(fields):
            if name in OWN:
                continue
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

    def _finished_usual(self, record: FinishedRecord) -> Document:
        state = record.request_state
        path, query = path_of(state), state.query
        if len(path) + len(query) > self._max_bytes:
            raise _TooLong
        query = query and self._redactor.query(query)
        return finished_fields(record, self._redactor.text(path), query)

    def _long_way(
        self, record: logging.LogRecord, state: RequestState | None, size: int | None
    ) -> bytes:
        """Return the line of a record that is odd or long, cut until it is short enough."""
        errors = error_fields(record)
        plain = Plain(self._redactor, max_characters=self._max_bytes)
        if isinstance(record, FinishedRecord):
            finished = record.request_state
            path, query = plain.text(path_of(finished)), plain.query(finished.query)
            told = finished_fields(record, path, query)
        else:
            told = self._careful(record, state, message_of(record), errors, plain)
        whole_document = all_plain({**self._common(record, plain), **told}, plain)
        whole_document["event.id"] = self._parts.event_id()
        document, longest = whole_document, self._max_bytes
        nodes = MAX_NODES
        while True:
            line = self._parts.whole_line(orjson.dumps(document))
            if size is None and (plain.left_out or len(line) > self._max_bytes):
                size = len(line) + plain.left_out
            if size is not None:
                document["log.truncated"] = True
                document["log.original_bytes"] = size
                line = self._parts.whole_line(orjson.dumps(document))
            if len(line) <= self._max_bytes:
                return line
            if longest <= _FEWEST_CHARACTERS:
                least = {name: document[name] for name in document if name in _LEAST}
                return self._parts.whole_line(orjson.dumps(least))
            fitting = longest - (len(line) - self._max_bytes)  # where one text is all that is long
            longest = max(fitting, longest // 2, _FEWEST_CHARACTERS)
            nodes //= 2
            shorter = Shorter(
                characters=longest,
                nodes=nodes,
                stack_length=len(errors.get("error.stack_trace", "")),
            )
            document = shorter.document(whole_document)

    def _common(self, record: logging.LogRecord, plain: Plain) -> Document:
        """Return what `LineParts` knows of a usual record, however this one was tampered with."""
        fields = vars(record)

        def short(name: str) -> str:
            return plain.text(shown_as(fields.get(name))[:_SHORT_CHARACTERS])

        created = fields.get("created")
        if not (isinstance(created, int | float) and 0 <= created < LATEST_SECONDS):
            created = time.time()
        document: Document = {
            "@timestamp": time_of(created),
            "log.level": short("levelname").lower(),
            "log.logger": short("name"),
            "process.thread.name": short("threadName"),
        }
        process = fields.get("process")
        if type(process) is int and 0 < process <= _LARGEST_PID:
            document["process.pid"] = process
        return document

    def _careful(
        self,
        record: logging.LogRecord,
        state: RequestState | None,
        message: str,
        errors: dict[str, str],
        plain: Plain,
    ) -> Document:
        document: Document = {"message": plain.text(message)}
        if state is not None:
            add_request(document, state, plain.text(path_of(state)))
        for name, text in errors.items():
            document[name] = plain.stack(text) if name.endswith("trace") else plain.text(text)
        extra: Document = {}
        for key, value in list(vars(record).items()):
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
        return document
