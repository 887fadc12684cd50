"""A timeline reads like a story, and nothing in a log can command the terminal that shows it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stack.logs.command_find import as_json
from stack.logs.record import LogRecord, record_of
from stack.logs.timeline import line_of, listing, timeline

FIRST = datetime(2030, 5, 17, 8, 30, 0, 250_000, tzinfo=UTC)


def record(after_ms: float = 0, number: int = 0, **more: Any) -> LogRecord:
    when = (FIRST + timedelta(milliseconds=after_ms)).isoformat().replace("+00:00", "Z")
    document = {
        "@timestamp": when,
        "log.level": "info",
        "log.logger": "shop",
        "message": "hello",
        "event.id": f"aa-{number}",
        **{name.replace("__", "."): value for name, value in more.items()},
    }
    return record_of({"_id": "x", "_source": document})


def text(lines: Any) -> str:
    return "\n".join(line.plain for line in lines)


STORY = (
    record(
        0, 0, message="paying", request_id="r-1", http__request__method="POST", url__path="/pay"
    ),
    record(
        13,
        1,
        log__level="error",
        message="Exception on /pay",
        request_id="r-1",
        error__type="ValueError",
        error__message="no",
        error__stack_trace="Traceback:\n  File x\nValueError: no",
    ),
    record(
        20,
        2,
        message="POST /pay 500",
        request_id="r-1",
        http__request__method="POST",
        url__path="/pay",
        http__response__status_code=500,
        latency_ms=21.04,
    ),
)


def test_a_timeline_tells_who_asked_for_what_and_each_record_by_its_offset() -> None:
    assert text(timeline(STORY)) == (
        "request r-1\n"
        "asked   POST /pay\n"
        "answer  500 in 21.0 ms\n"
        "began   2030-05-17 08:30:00.250Z\n"
        "spans   +0.020 s, 3 records\n"
        "\n"
        "+0.000 s  INFO      shop  paying\n"
        "+0.013 s  ERROR     shop  Exception on /pay\n"
        "    Traceback:\n"
        "      File x\n"
        "    ValueError: no\n"
        "+0.020 s  INFO      shop  POST /pay 500  500 in 21.0 ms"
    )


def test_a_list_tells_time_service_request_and_extras() -> None:
    one = record(service__name="softfactory", request_id="r-2", extra={"cart": {"n": 3}})
    assert text(listing([one])) == (
        "2030-05-17 08:30:00.250Z  INFO      softfactory  shop  hello  cart.n=3 request_id=r-2"
    )


def test_services_of_one_trace_are_told_apart() -> None:
    both = [record(0, 0, service__name="front"), record(1, 1, service__name="back")]
    assert "INFO      front  shop" in text(timeline(both))


def test_a_failure_without_a_traceback_tells_its_class() -> None:
    told = text(line_of(record(error__type="ValueError", error__message="no")))
    assert told.endswith("\n    ValueError: no")


def test_what_is_in_a_log_neither_begins_a_line_nor_commands_a_terminal() -> None:
    hostile = "\x1b[2J\r\n2030-05-17 08:30:00.250Z  INFO      fake"
    one = record(
        message=hostile,
        log__logger=hostile,
        service__name=hostile,
        request_id=hostile,
        extra={hostile: hostile},
        error__stack_trace=f"Traceback:\x1b[2J\n{hostile}",
    )
    lines = [line.plain for line in [*line_of(one), *timeline([one])]]
    assert all("\x1b" not in line and "\r" not in line and "\n" not in line for line in lines)
    assert [line for line in lines if line.startswith("2030")] == [lines[0]]


def test_brackets_are_no_markup() -> None:
    assert "[red]hello[/red]" in text(line_of(record(message="[red]hello[/red]")))


def test_nested_and_dotted_documents_read_the_same() -> None:
    nested = {
        "@timestamp": "2030-05-17T08:30:00.250Z",
        "log": {"level": "info", "logger": "shop"},
        "message": "hello",
        "event": {"id": "aa-0"},
    }
    one, other = record_of({"_id": "x", "_source": nested}), record()
    assert text(line_of(one)) == text(line_of(other))
    assert one.order == other.order


def test_records_of_one_moment_stand_as_their_process_wrote_them() -> None:
    mixed = [record(0, number) for number in (10, 9, 2)]
    assert [one.id for one in sorted(mixed, key=lambda one: one.order)] == ["aa-2", "aa-9", "aa-10"]


@pytest.mark.parametrize(
    ("name", "value", "shows"),
    [
        ("http.response.status_code", [200, 500], "hello  200"),
        ("http.response.status_code", "none of that", "hello"),
        ("http.response.status_code", {"nested": 1}, "hello"),
        ("http.response.status_code", 1e999, "hello"),
        ("latency_ms", [], "hello"),
        ("latency_ms", ["1.5"], "hello"),
        ("log.level", ["error", "info"], "ERROR"),
        ("message", ["one", "two"], "one"),
        ("message", None, '"log.logger": "shop"'),
        ("@timestamp", None, "no time"),
        ("@timestamp", "yesterday", "no time"),
        ("@timestamp", [], "no time"),
        ("@timestamp", "0001-01-01T00:00:00+23:00", "no time"),
        ("@timestamp", ["2030-05-17T08:30:00.250Z"], "2030-05-17 08:30:00.250Z"),
        ("@timestamp", 1905237000250, "2030-05-17 08:30:00.250Z"),
        ("@timestamp", 1e30, "no time"),
        ("event.ingested", "never", "hello"),
        ("event.id", f"aa-{'9' * 5000}", "hello"),
        ("event.id", ["aa-1"], "hello"),
        ("extra", [1, {"a": 2}], "hello"),
        ("error.stack_trace", ["one\ntwo"], "    two"),
    ],
)
def test_a_document_of_whatever_shape_is_a_line_and_never_an_end(
    name: str, value: object, shows: str
) -> None:
    strange = record(100, 7, **{name.replace(".", "__"): value})
    for lines in (listing([record(), strange]), timeline([strange, record(), strange])):
        assert "hello" in text(lines)
    assert shows in text(line_of(strange))
    assert sorted([strange, record()], key=lambda one: one.order)
    assert as_json(strange).count("\n") == 1


@pytest.mark.parametrize("hit", [{"_id": "x"}, {"_id": "x", "_source": {}}], ids=str)
def test_a_document_of_nothing_is_a_line_too(hit: dict[str, Any]) -> None:
    assert "no time" in text(line_of(record_of(hit)))
    assert "began   no time" in text(timeline([record_of(hit)]))


def test_half_a_character_is_escaped_where_it_is_printed() -> None:
    half = record(message="\ud83d")
    assert json.loads(as_json(half).encode())["message"] == "\ud83d"
    assert "\\ud83d" in text(line_of(half))


def test_a_line_that_was_no_record_shows_itself() -> None:
    source = {"@timestamp": "2030-05-17T08:30:00Z", "event.original": "oops", "tags": "not_json"}
    assert "oops" in text(line_of(record_of({"_id": "x", "_source": source})))
