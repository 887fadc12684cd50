"""Records as text for a person: a request's timeline, a list, and one line for each that follows.

Design rule: pure, records in and text out. What is in a log may come from a stranger, so that
nothing of it reaches a terminal as a command, and no line of it looks like a line of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.text import Text

from stack.logs.record import LogRecord

__all__ = ["line_of", "listing", "timeline"]

_STYLES = {
    "debug": "dim",
    "info": "green",
    "warning": "yellow",
    "error": "red",
    "critical": "bold red",
}
_LEVEL_WIDTH = max(map(len, _STYLES))
_INDENT = "    "
_NO_TIME = "no time"
_TIME_WIDTH = len("2030-05-17 08:30:00.250Z")


def timeline(records: Sequence[LogRecord]) -> Iterator[Text]:
    """Yield one request's or trace's story: who it is about, then each record by its offset.

    The records are in their order, and there is at least one.
    """
    yield from _heading(records)
    first = _began(records)
    offsets = [_offset(record.time, first) for record in records]
    width = max(map(len, offsets))
    several = len({record.service for record in records}) > 1
    for record, offset in zip(records, offsets, strict=True):
        when = f"{offset:>{width}}"
        yield from _lines(record, when, with_service=several, with_request=False)


def listing(records: Sequence[LogRecord]) -> Iterator[Text]:
    """Yield each record by its time."""
    for record in records:
        yield from line_of(record)


def line_of(record: LogRecord) -> Iterator[Text]:
    """Yield one record's line, and its traceback below it."""
    yield from _lines(record, _time(record.time), with_service=True, with_request=True)


def _heading(records: Sequence[LogRecord]) -> Iterator[Text]:
    finished = [record for record in records if record.status is not None]
    number = "1 record" if len(records) == 1 else f"{len(records)} records"
    known = {
        "request": _values(record.request_id for record in records),
        "trace": _values(record.trace for record in records),
        "service": _values(record.service for record in records),
        "user": _values(record.user for record in records),
        "asked": _values(
            f"{record.method} {record.path}" if record.method else None for record in records
        ),
        "answer": _values(map(_answer, finished)),
        "began": _time(_began(records)),
        "spans": f"{_offset(records[-1].time, _began(records))}, {number}",
    }
    for name, said in known.items():
        if said:
            yield Text.assemble((f"{name:<8}", "bold"), said)
    yield Text("")


def _lines(
    record: LogRecord, when: str, *, with_service: bool, with_request: bool
) -> Iterator[Text]:
    style = _STYLES.get(record.level, "")
    line = Text.assemble(
        (when, "dim"), "  ", (f"{shown(record.level).upper():<{_LEVEL_WIDTH}}", style), "  "
    )
    if with_service and record.service:
        line.append(f"{shown(record.service)}  ")
    line.append(f"{shown(record.logger)}  ", style="cyan")
    line.append(shown(record.message))
    if record.status is not None:
        line.append(f"  {_answer(record)}", style="bold red" if record.status >= 500 else "bold")
    details = [f"{shown(name)}={shown(value)}" for name, value in record.extra]
    if with_request and record.request_id:
        details.append(f"request_id={shown(record.request_id)}")
    if details:
        line.append(f"  {' '.join(details)}", style="dim")
    yield line
    yield from _failure(record)


def _failure(record: LogRecord) -> Iterator[Text]:
    if record.stack_trace:
        for text in record.stack_trace.splitlines():
            yield Text(f"{_INDENT}{shown(text)}", style="dim")
    elif record.error_type:
        reason = f": {shown(record.error_message)}" if record.error_message else ""
        yield Text(f"{_INDENT}{shown(record.error_type)}{reason}", style="dim")


def _answer(record: LogRecord) -> str:
    latency = "" if record.latency_ms is None else f" in {record.latency_ms:.1f} ms"
    return f"{record.status}{latency}"


def _values(values: Iterator[str | None] | map[str]) -> str:
    return ", ".join(shown(value) for value in dict.fromkeys(values) if value)


def _began(records: Sequence[LogRecord]) -> datetime | None:
    return min((record.time for record in records if record.time), default=None)


def _offset(when: datetime | None, first: datetime | None) -> str:
    if when is None or first is None:
        return _NO_TIME
    return f"+{(when - first).total_seconds():.3f} s"


def _time(when: datetime | None) -> str:
    if when is None:
        return f"{_NO_TIME:<{_TIME_WIDTH}}"
    return f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03}Z"


def shown(text: str) -> str:
    """Return a text as one line: what would begin a line or command a terminal, as its escape."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
