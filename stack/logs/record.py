"""One log record as a person reads it, from a document in either of its two shapes.

Design rule: past this border no JSON is looked into; `source` is kept only to be shown whole. No
document raises: whoever may write one could else keep all others from being read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

__all__ = ["LogRecord", "Order", "record_of"]

Order = tuple[datetime, str, int]
"""A time, the series of ids that a process began, and its running number."""

_LONGEST_NUMBER = 20
"""Digits of a running number; what has more is no number of ours, and slow to read as one."""

N = TypeVar("N", int, float)

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One record; what it does not have is None, or an empty text.

    Attributes:
        id: `event.id`, else the document's id: one of a kind.
        time: when, in UTC; None where that can't be read.
        ingested: when it left for the index, where it says so.
        latency_ms: of a finished request, in milliseconds.
        message: also the whole document, where it has no field for it.
        extra: what the caller added, by its dotted path.
        source: the document as it was shipped.
    """

    id: str
    time: datetime | None
    ingested: datetime | None
    level: str
    logger: str
    message: str
    service: str
    request_id: str | None
    trace: str | None
    user: str | None
    method: str | None
    path: str | None
    status: int | None
    latency_ms: float | None
    error_type: str | None
    error_message: str | None
    stack_trace: str | None
    extra: tuple[tuple[str, str], ...]
    source: Mapping[str, Any]

    @property
    def order(self) -> Order:
        """Where the record stands among others: by time, then as its process wrote them.

        Elasticsearch's dates end at milliseconds, and `event.id` ends with a running number. What
        has no time comes first: of the newest records, Elasticsearch leaves it out first.
        """
        time = self.time or _BEFORE_ALL
        series, _, number = self.id.rpartition("-")
        if series and number.isdecimal() and len(number) <= _LONGEST_NUMBER:
            return time, series, int(number)
        return time, self.id, 0


def record_of(hit: Mapping[str, Any]) -> LogRecord:
    """Read one hit of a search, whose source has dotted names or nested objects.

    Of a list the first is read, and what is no number or time where one belongs is None.
    """
    source: Mapping[str, Any] = hit.get("_source") or {}
    plain = dict(_leaves(source))

    def text(name: str) -> str | None:
        value = _first(plain.get(name))
        return None if value is None else str(value)

    message = text("message") or text("event.original") or ""
    if not message and text("message") is None:
        message = json.dumps(source, ensure_ascii=False)
    return LogRecord(
        id=text("event.id") or str(hit["_id"]),
        time=_time(plain.get("@timestamp")),
        ingested=_time(plain.get("event.ingested")),
        level=text("log.level") or "",
        logger=text("log.logger") or "",
        message=message,
        service=text("service.name") or "",
        request_id=text("request_id"),
        trace=text("trace.id"),
        user=text("user.id"),
        method=text("http.request.method"),
        path=text("url.path"),
        status=_number(int, plain.get("http.response.status_code")),
        latency_ms=_number(float, plain.get("latency_ms")),
        error_type=text("error.type"),
        error_message=text("error.message"),
        stack_trace=text("error.stack_trace"),
        extra=tuple(
            (name.removeprefix("extra."), str(value))
            for name, value in plain.items()
            if name.startswith("extra.")
        ),
        source=source,
    )


def _time(written: object) -> datetime | None:
    written = _first(written)
    try:
        if isinstance(written, int | float):  # Elasticsearch takes it for milliseconds
            return datetime.fromtimestamp(written / 1000, UTC)
        when = datetime.fromisoformat(str(written))
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _number(kind: Callable[[Any], N], written: object) -> N | None:
    try:
        return kind(_first(written))
    except (TypeError, ValueError, OverflowError):
        return None


def _first(value: object) -> object:
    """Return the first of a list: to Elasticsearch, any value may be several."""
    while isinstance(value, list):
        value = value[0] if value else None
    return value


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _leaves(below, f"{path}.{key}" if path else str(key))
    else:
        yield path, value
