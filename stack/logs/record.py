"""One log record as a person reads it, from a document in either of its two shapes.

Design rule: past this border no JSON is looked into; `source` is kept only to be shown whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

__all__ = ["LogRecord", "Order", "record_of"]

Order = tuple[datetime, str, int]
"""A time, the series of ids that a process began, and its running number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One record; what it does not have is None, or an empty text.

    Attributes:
        id: `event.id`, else the document's id: one of a kind.
        time: when, in UTC.
        ingested: when it left for the index, where it says so.
        latency_ms: of a finished request, in milliseconds.
        extra: what the caller added, by its dotted path.
        source: the document as it was shipped.
    """

    id: str
    time: datetime
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

        Elasticsearch's dates end at milliseconds, and `event.id` ends with a running number.
        """
        series, _, number = self.id.rpartition("-")
        if series and number.isdecimal():
            return self.time, series, int(number)
        return self.time, self.id, 0


def record_of(hit: Mapping[str, Any]) -> LogRecord:
    """Read one hit of a search, whose source has dotted names or nested objects.

    Raises ValueError for a document without a readable `@timestamp`.
    """
    source: Mapping[str, Any] = hit["_source"]
    plain = dict(_leaves(source))

    def text(name: str) -> str | None:
        value = plain.get(name)
        return None if value is None else str(value)

    status = plain.get("http.response.status_code")
    latency = plain.get("latency_ms")
    return LogRecord(
        id=text("event.id") or str(hit["_id"]),
        time=_time(plain.get("@timestamp")),
        ingested=_time(plain["event.ingested"]) if "event.ingested" in plain else None,
        level=text("log.level") or "",
        logger=text("log.logger") or "",
        message=text("message") or text("event.original") or "",
        service=text("service.name") or "",
        request_id=text("request_id"),
        trace=text("trace.id"),
        user=text("user.id"),
        method=text("http.request.method"),
        path=text("url.path"),
        status=None if status is None else int(status),
        latency_ms=None if latency is None else float(latency),
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


def _time(written: object) -> datetime:
    when = datetime.fromisoformat(str(written))
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _leaves(below, f"{path}.{key}" if path else str(key))
    else:
        yield path, value
