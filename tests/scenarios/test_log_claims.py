"""What must hold of logs in the index, on documents written by hand."""

from __future__ import annotations

from datetime import date

import pytest

from scenarios.log_claims import missing_fields, too_old, unequal, wrong_fields
from stack.logs.fields import load_fields

FIELDS = load_fields()
DOCUMENT = {
    "@timestamp": "2026-03-01T10:00:00.000001Z",
    "log.level": "info",
    "log.logger": "instrumentation.request",
    "message": "GET /api/users 200",
    "event.id": "a-1",
    "process.pid": 7,
    "process.thread.name": "t",
    "ecs.version": "8.11.0",
    "service.name": "shop",
    "request_id": "r",
    "trace.id": "t",
    "span.id": "s",
    "http.request.method": "GET",
    "url.path": "/api/users",
    "http.response.status_code": 200,
    "http.response.body.bytes": 12,
    "event.duration": 1_000_000,
    "latency_ms": 1.0,
    "event.ingested": "2026-03-01T10:00:00.500Z",
    "log.file.path": "/logs/app.log",
}


def test_a_finished_requests_document_has_every_promised_field_of_its_type() -> None:
    assert wrong_fields(DOCUMENT, FIELDS) == []
    assert missing_fields(DOCUMENT, FIELDS) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("@timestamp", "2026-03-01T10:00:00"),
        ("@timestamp", "2026-03-01T10:00:00+01:00"),
        ("@timestamp", "tomorrow, Z"),
        ("@timestamp", 1772359200),
        ("http.response.status_code", "200"),
        ("http.response.status_code", True),
        ("latency_ms", "1.0"),
        ("event.duration", 1.5),
        ("log.truncated", "true"),
        ("message", 3),
        ("extra", "text"),
    ],
)
def test_a_field_of_another_type_is_a_problem(name: str, value: object) -> None:
    (problem,) = wrong_fields({**DOCUMENT, name: value}, FIELDS)
    assert problem.startswith(name)


def test_a_field_that_the_table_does_not_know_is_a_problem() -> None:
    assert wrong_fields({"never.heard.of": 1}, FIELDS) == [
        "never.heard.of is no field of the table"
    ]


def test_each_promised_field_is_missed() -> None:
    for name in DOCUMENT:
        without = {key: value for key, value in DOCUMENT.items() if key != name}
        assert missing_fields(without, FIELDS) == [f"{name} is missing"]


def test_the_same_records_in_another_order_are_no_problem() -> None:
    assert unequal(["a", "b", "c"], ["c", "a"], ["b"]) == []


@pytest.mark.parametrize(
    ("in_index", "dead", "says"),
    [
        (["a"], [], "1 of 2 records did not arrive: b"),
        ([], [], "2 of 2 records did not arrive: a, b"),
        (["a", "b", "b"], [], "1 records arrived more than once: b"),
        (["a", "b"], ["b"], "1 records arrived more than once: b"),
        (["a", "b", "c"], [], "1 arrived that are in no file: c"),
    ],
)
def test_lost_doubled_and_strange_records_are_named(
    in_index: list[str], dead: list[str], says: str
) -> None:
    assert unequal(["a", "b"], in_index, dead) == [says]


def test_many_lost_records_are_counted_and_some_are_named() -> None:
    (problem,) = unequal([f"r{number}" for number in range(9)], [])
    assert problem == "9 of 9 records did not arrive: r0, r1, r2, r3, r4, ..."


def test_an_index_is_too_old_by_its_day_and_a_strange_name_is_a_problem() -> None:
    today = date(2026, 3, 31)
    kept = ["softfactory-logs-2026.03.31", "softfactory-logs-2026.03.01"]
    assert too_old(kept, days=30, today=today) == []
    assert too_old(["softfactory-logs-2026.02.28", "softfactory-logs-x"], days=30, today=today) == [
        "softfactory-logs-2026.02.28 is older than 30 days",
        "softfactory-logs-x is no index of a day",
    ]
