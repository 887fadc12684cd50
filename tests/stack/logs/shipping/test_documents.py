"""Every line becomes a document that the strict template takes, and nothing of it is dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stack.logs.fields import load_fields
from stack.logs.shipping.documents import MESSAGE_CHARACTERS, Document, DocumentMaker

NOW = datetime(2026, 11, 25, 12, 0, 0, 5, tzinfo=UTC)
NOW_TEXT = "2026-11-25T12:00:00.000005Z"
USUAL = (
    b'{"@timestamp":"2026-11-24T23:59:59.999999Z","log.level":"info","message":"hello",'
    b'"extra":{"order":1},"process.pid":7,"event.id":"8f-0"}'
)


@pytest.fixture
def maker() -> DocumentMaker:
    maker = DocumentMaker(Path("/logs/app.log"))
    maker.begin(now=NOW, arrival=NOW)
    return maker


def source_of(document: Document) -> dict[str, Any]:
    source = orjson.loads(document.source)
    assert isinstance(source, dict)
    return source


def target_of(document: Document) -> tuple[str, str]:
    target = orjson.loads(document.action)["create"]
    return target["_index"], target["_id"]


def made(maker: DocumentMaker, record: object) -> Document:
    return maker.make(orjson.dumps(record), key="k", offset=0)


def test_a_usual_record_goes_as_it_is_with_what_is_added_on_the_way(maker: DocumentMaker) -> None:
    document = maker.make(USUAL, key="k", offset=0)
    assert document.source == (
        USUAL[:-1] + b',"event.ingested":"2026-11-25T12:00:00.000005Z",'
        b'"log.file.path":"/logs/app.log"}'
    )
    assert target_of(document) == ("softfactory-logs-2026.11.24", "8f-0")
    assert (document.tag, document.hashed) == (None, False)
    assert document.time == "2026-11-24T23:59:59.999999Z"


@pytest.mark.parametrize(
    ("time", "day"),
    [
        ("2026-11-25T00:30:00+01:00", "2026.11.24"),
        ("2026-11-24T23:30:00.5-01:00", "2026.11.25"),
        ("2026-11-24T00:00:00Z", "2026.11.24"),
        ("2024-02-29T10:00:00.123456789Z", "2024.02.29"),
        ("1970-01-01T00:00:00Z", "1970.01.01"),
        ("2026-11-26T12:00:00Z", "2026.11.26"),
        ("2026-11-26T13:00:00.000005+01:00", "2026.11.26"),
    ],
)
def test_the_index_is_that_of_the_records_own_day_in_utc(
    maker: DocumentMaker, time: str, day: str
) -> None:
    document = made(maker, {"@timestamp": time, "event.id": "e"})
    assert target_of(document)[0] == f"softfactory-logs-{day}"
    assert document.tag is None


@pytest.mark.parametrize(
    "time",
    [
        None,
        "yesterday",
        "",
        "2026-11-25",
        "2026-02-31T10:00:00Z",
        "2026-11-25T10:00:00",
        "20261125T100000Z",
        "2026-11-25T25:00:00Z",
        "2026-11-25T24:00:00Z",
        "0001-01-01T00:00:00+10:00",
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:59:59+01:00",
        "2026-11-26T12:00:01Z",
        "2026-11-26T12:00:01+00:00",
        "9999-12-31T23:59:59Z",
        "٢٠٢٦-11-25T10:00:00Z",
        1_795_600_000_000,
        {"at": "noon"},
    ],
)
def test_a_record_without_a_usable_time_arrives_today_and_keeps_what_it_said(
    maker: DocumentMaker, time: object
) -> None:
    document = made(maker, {"@timestamp": time, "message": "m", "event.id": "e"})
    source = source_of(document)
    assert target_of(document) == ("softfactory-logs-2026.11.25", "e")
    assert source["@timestamp"] == NOW_TEXT
    assert source["tags"] == ["no_time"]
    assert source["extra"] == {"@timestamp": time}
    assert document.tag == "no_time"


class Newer(datetime):
    """What Python's is from 3.14 on: midnight may be written as the end of the day before."""

    @classmethod
    def fromisoformat(cls, text: str, /) -> Self:
        if "T24:00:00" in text:
            return cls.fromisoformat(text.replace("T24", "T00")) + timedelta(days=1)
        return super().fromisoformat(text)


def test_a_time_of_24_o_clock_moves_no_other_record_of_its_day_into_the_next(
    maker: DocumentMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.logs.shipping.documents.datetime", Newer)
    odd = made(maker, {"@timestamp": "2026-11-24T24:00:00Z", "event.id": "odd"})
    assert odd.tag == "no_time"
    usual = made(maker, {"@timestamp": "2026-11-24T10:00:00Z", "event.id": "usual"})
    assert target_of(usual) == ("softfactory-logs-2026.11.24", "usual")


def test_a_record_without_any_time_has_no_extra(maker: DocumentMaker) -> None:
    source = source_of(made(maker, {"message": "m", "event.id": "e"}))
    assert "extra" not in source


def test_fields_that_the_table_does_not_know_move_under_extra(maker: DocumentMaker) -> None:
    record = orjson.loads(USUAL)
    record |= {"colour": "red", "http.response.colour": [1, 2], "order": 5, "event.ingested": "x"}
    source = source_of(made(maker, record))
    assert source["extra"] == {
        "order": 1,
        "colour": "red",
        "http.response.colour": [1, 2],
        "order_": 5,
        "event.ingested": "x",
    } or source["extra"] == {
        "order": 1,
        "order_": 5,
        "colour": "red",
        "http.response.colour": [1, 2],
        "event.ingested": "x",
    }
    assert source["event.ingested"] == NOW_TEXT
    assert source["message"] == "hello"


def test_names_that_are_nested_are_known_by_their_full_names(maker: DocumentMaker) -> None:
    record = {
        "@timestamp": "2026-11-25T10:00:00Z",
        "http": {"request": {"method": "GET", "body": {"size": 3}}, "version": 2},
        "event": {"id": "nested"},
        "process": 5,
    }
    source = source_of(made(maker, record))
    assert source["http.request.method"] == "GET"
    assert source["event.id"] == "nested"
    assert target_of(made(maker, record))[1] == "nested"
    assert source["extra"] == {"http.request.body": {"size": 3}, "http.version": 2, "process": 5}


@pytest.mark.parametrize("nested", [False, True])
def test_lists_move_under_extra_but_those_of_tags(maker: DocumentMaker, nested: bool) -> None:
    record = {
        "@timestamp": "2026-11-25T10:00:00Z",
        "event.id": "e",
        "message": "m",
        "tags": ["a", "b"],
        "extra": {"listed": [1]},
    }
    listed = {"status_code": [200]}
    record |= {"http": {"response": listed}} if nested else {"http.response.status_code": [200]}
    source = source_of(made(maker, record))
    assert source["extra"] == {"listed": [1], "http.response.status_code": [200]}
    assert source.keys() & {"http", "http.response.status_code"} == set()
    assert (source["tags"], source["message"]) == (["a", "b"], "m")


def test_numbers_and_all_else_of_a_record_that_is_taken_apart_keep_their_digits(
    maker: DocumentMaker,
) -> None:
    document = maker.make(
        b'{"@timestamp":"2026-11-25T10:00:00Z","event.id":"e","latency_ms":0.10000000000000000001,'
        b'"colour":[123456789012345678901234567890,-0.0,1E5]}',
        key="k",
        offset=0,
    )
    assert b'"latency_ms":0.10000000000000000001,' in document.source
    assert b'"colour":[123456789012345678901234567890,-0.0,1E5]' in document.source


def test_a_record_that_is_taken_apart_and_names_a_field_twice_is_kept_as_it_was(
    maker: DocumentMaker,
) -> None:
    line = b'{"@timestamp":"2026-11-25T10:00:00Z","colour":{"of":"red","of":"blue"},"event.id":"e"}'
    document = maker.make(line, key="k", offset=0)
    assert document.tag == "not_json"
    assert source_of(document)["event.original"] == line.decode()


@pytest.mark.parametrize("levels", [254, 300, 1000])
@pytest.mark.parametrize(
    "usual",
    [{"message": "m"}, {"@timestamp": "2026-11-25T10:00:00Z"}],
    ids=["no time", "unknown field"],
)
def test_a_record_too_deep_to_be_put_together_again_is_kept_as_it_was(
    maker: DocumentMaker, usual: dict[str, str], levels: int
) -> None:
    deep = b'{"d":' * levels + b"1" + b"}" * levels
    name = b"colour" if "@timestamp" in usual else b"extra"
    line = b'%b,"%b":%b}' % (orjson.dumps(usual)[:-1], name, deep)
    document = maker.make(line, key="k", offset=0)
    assert document.tag == "not_json"
    assert source_of(document)["event.original"] == line.decode()


@pytest.mark.parametrize("extra", ["text", 5, [1], True])
def test_an_extra_that_is_no_object_becomes_one(maker: DocumentMaker, extra: object) -> None:
    source = source_of(
        made(maker, {"@timestamp": "2026-11-25T10:00:00Z", "event.id": "e", "extra": extra})
    )
    assert source["extra"] == {"extra": extra}


@pytest.mark.parametrize(
    "line",
    [
        b"Traceback (most recent call last):",
        b'{"message": "torn',
        b"[1, 2]",
        b"null",
        b'"text"',
        b'{"a": NaN}',
        b"\xff\xfe caf\xe9",
        b"x" * 5000,
        b'{"message": "\\ud800"}',
    ],
)
def test_a_line_that_is_no_json_object_is_kept_as_it_was(maker: DocumentMaker, line: bytes) -> None:
    document = maker.make(line, key="k", offset=0)
    source = source_of(document)
    assert source["event.original"] == line.decode(errors="backslashreplace")
    assert len(source["message"]) <= MESSAGE_CHARACTERS
    assert source["message"][:10] == source["event.original"][:10]
    assert source["tags"] == ["not_json"]
    assert source["@timestamp"] == NOW_TEXT
    assert target_of(document)[0] == "softfactory-logs-2026.11.25"
    assert (document.tag, document.hashed) == ("not_json", True)
    assert source["event.id"] == target_of(document)[1]


@pytest.mark.parametrize("event_id", [None, "", 7, ["a"], "x" * 513, "é" * 257])
def test_a_record_that_brings_no_usable_id_is_named_by_its_place_and_content(
    maker: DocumentMaker, event_id: object
) -> None:
    line = orjson.dumps({"@timestamp": "2026-11-25T10:00:00Z", "event.id": event_id})
    first = target_of(maker.make(line, key="k", offset=0))
    assert target_of(maker.make(line, key="k", offset=0)) == first
    assert target_of(maker.make(line, key="k", offset=9)) != first
    assert target_of(maker.make(line, key="other", offset=0)) != first
    assert target_of(maker.make(line + b" ", key="k", offset=0)) != first


@pytest.mark.parametrize("event_id", [..., None, "", 7, ["a"], {"a": 1}, "x" * 513])
@pytest.mark.parametrize("usual", [{}, {"colour": "red"}], ids=["as it is", "taken apart"])
def test_an_id_that_was_made_is_also_the_documents_event_id(
    maker: DocumentMaker, event_id: object, usual: dict[str, str]
) -> None:
    record = {"@timestamp": "2026-11-25T10:00:00Z", "event.id": event_id, **usual}
    record = {name: value for name, value in record.items() if value is not ...}
    document = made(maker, record)
    assert document.hashed
    assert document.source.count(b'"event.id":"%b"' % target_of(document)[1].encode()) == 1
    extra = source_of(document).get("extra", {})
    assert extra.get("event.id") == (None if event_id is ... else event_id), "nothing is dropped"


def test_an_id_is_at_most_512_bytes_long(maker: DocumentMaker) -> None:
    record = {"@timestamp": "2026-11-25T10:00:00Z", "event.id": "é" * 256}
    assert target_of(made(maker, record))[1] == "é" * 256


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
_names = st.sampled_from([*load_fields(), "http", "event", "log.file", "colour"]) | st.text(
    max_size=5
)


@given(st.dictionaries(_names, _values, max_size=8))
def test_no_document_has_a_field_that_the_template_refuses(record: dict[str, Any]) -> None:
    maker = DocumentMaker(Path("/logs/app.log"))
    source = source_of(made(maker, record))
    assert source.keys() <= load_fields().keys()
    assert not [name for name, value in source.items() if type(value) is list and name != "tags"]
    assert source["event.id"] == target_of(made(maker, record))[1]
    assert isinstance(source.get("extra", {}), dict)
    assert maker.make(orjson.dumps(record), key="k", offset=0).action.count(b"\n") == 0


@given(st.dictionaries(_names, _values, max_size=8))
@example({"tags": False})  # beside the tag that says that the record has no time
def test_nothing_that_a_record_says_is_dropped(record: dict[str, Any]) -> None:
    source = source_of(made(DocumentMaker(Path("/logs/app.log")), record))
    said = orjson.dumps(source).decode()
    for value in _leaves(record):
        assert orjson.dumps(value).decode() in said


def _leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [value] if value is not None else []
