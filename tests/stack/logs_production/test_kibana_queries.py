"""Searches and panels ask a real node what Kibana would ask it, and get the right answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from elasticsearch import BadRequestError, Elasticsearch
from elasticsearch.helpers import bulk

from stack.logs.indices import PATTERN, index_of
from stack.logs.kibana.objects import SavedObject, load_objects
from tests.stack.logs_production.panels import NO_BUCKET, aggregations, lucene, query_of

pytestmark = pytest.mark.integration

OBJECTS = {one.id: one for one in load_objects()}
BEFORE_MIDNIGHT = datetime(2026, 3, 7, 23, 59, tzinfo=UTC)
"""The first of three minutes, so that the searches go over two days' indices."""

ASKED = "a3f-9.Z_7"
"""A request's id with everything that one may have."""

Document = dict[str, Any]


def record(number: int, minute: int, **fields: Any) -> Document:
    when = BEFORE_MIDNIGHT + timedelta(minutes=minute, milliseconds=number)
    return {
        "@timestamp": when.isoformat().replace("+00:00", "Z"),
        "event.id": f"e-{number}",
        "log.level": "info",
        "log.logger": "instrumentation.request",
        "message": f"record {number}",
        "service.name": "softfactory",
        **{name.replace("__", "."): value for name, value in fields.items()},
    }


def finished(number: int, minute: int, latency_ms: float, status: int, **fields: Any) -> Document:
    return record(
        number,
        minute,
        latency_ms=latency_ms,
        http__response__status_code=status,
        http__request__method="GET",
        log__level="error" if status >= 500 else "info",
        **{"request_id": f"r-{number}", "http__route": "/api/items", **fields},
    )


DOCUMENTS = (
    *(finished(number, 0, float(number), 200) for number in range(1, 101)),
    finished(101, 1, 1000.0, 302),
    finished(102, 1, 1000.001, 200, http__route="/api/slow"),
    finished(103, 1, 2500.0, 500, http__route="/api/slow", error__type="TimeoutError"),
    finished(104, 2, 12.0, 503, http__route="/api/slow", request_id=ASKED),
    finished(105, 2, 11.0, 404, http__route=None),
    record(106, 2, request_id=ASKED, log__level="warning", log__logger="shop"),
    record(107, 2, request_id=f"{ASKED}x", log__logger="shop"),
    record(108, 2, log__level="critical", log__logger="shop", error__type="MemoryError"),
    record(109, 1, log__level="error", log__logger="shop"),
)
BY_ID = {document["event.id"]: document for document in DOCUMENTS}


@pytest.fixture(scope="module")
def logs(elasticsearch: Elasticsearch) -> Elasticsearch:
    bulk(
        elasticsearch,
        [
            {
                "_op_type": "create",
                "_index": index_of(datetime.fromisoformat(document["@timestamp"])),
                "_id": document["event.id"],
                "_source": {name: value for name, value in document.items() if value is not None},
            }
            for document in DOCUMENTS
        ],
        refresh=True,
    )
    return elasticsearch


def found(logs: Elasticsearch, text: str, one: SavedObject) -> list[str]:
    order = [{field: {"order": direction}} for field, direction in one.attributes["sort"]]
    answer = logs.search(index=PATTERN, query=lucene(text), sort=order, size=1000)
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def panel(logs: Elasticsearch, name: str) -> dict[str, Any]:
    one = OBJECTS[name]
    answer = logs.search(index=PATTERN, query=lucene(query_of(one)), aggs=aggregations(one), size=0)
    return answer.body["aggregations"]


def newest_first(wanted: Mapping[str, Document]) -> list[str]:
    return sorted(wanted, key=lambda name: wanted[name]["@timestamp"], reverse=True)


def minutes(buckets: list[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    start = BEFORE_MIDNIGHT.timestamp() * 1000
    return {int(bucket["key"] - start) // 60_000: bucket for bucket in buckets}


def test_errors_are_what_was_logged_as_one(logs: Elasticsearch) -> None:
    one = OBJECTS["softfactory-errors"]
    wanted = {
        name: document
        for name, document in BY_ID.items()
        if document["log.level"] in ("error", "critical")
    }
    assert found(logs, query_of(one), one) == newest_first(wanted)
    assert len(wanted) == 4


def test_slow_requests_are_those_beyond_the_objective_and_not_at_it(logs: Elasticsearch) -> None:
    one = OBJECTS["softfactory-slow-requests"]
    assert found(logs, query_of(one), one) == ["e-103", "e-102"]


def test_one_request_is_all_its_records_in_their_order_and_no_others(logs: Elasticsearch) -> None:
    one = OBJECTS["softfactory-one-request"]
    text = query_of(one)
    assert "PUT-THE-ID-HERE" in text
    assert found(logs, text.replace("PUT-THE-ID-HERE", ASKED), one) == ["e-104", "e-106"]
    assert found(logs, text, one) == []


def test_requests_are_counted_by_the_minute_and_by_what_the_client_saw(
    logs: Elasticsearch,
) -> None:
    buckets = minutes(panel(logs, "softfactory-requests")["2"]["buckets"])
    counts = {
        minute: {label: inner["doc_count"] for label, inner in bucket["3"]["buckets"].items()}
        for minute, bucket in buckets.items()
    }
    assert counts == {
        0: {"2xx, 3xx": 100, "4xx": 0, "5xx": 0},
        1: {"2xx, 3xx": 2, "4xx": 0, "5xx": 1},
        2: {"2xx, 3xx": 0, "4xx": 1, "5xx": 1},
    }


def test_errors_are_counted_by_the_minute_and_by_their_exception(logs: Elasticsearch) -> None:
    buckets = minutes(panel(logs, "softfactory-error-types")["2"]["buckets"])
    counts = {
        minute: {inner["key"]: inner["doc_count"] for inner in bucket["3"]["buckets"]}
        for minute, bucket in buckets.items()
    }
    assert counts == {
        1: {"TimeoutError": 1, NO_BUCKET: 1},
        2: {"MemoryError": 1, NO_BUCKET: 1},
    }


def test_latency_is_the_percentiles_of_each_minute(logs: Elasticsearch) -> None:
    buckets = minutes(panel(logs, "softfactory-latency")["2"]["buckets"])
    assert buckets.keys() == {0, 1, 2}
    values = buckets[0]["1"]["values"]  # of 1, 2, ... 100 ms
    assert values.keys() == {"50.0", "95.0", "99.0"}
    for percentile, value in values.items():
        assert value == pytest.approx(float(percentile), abs=1.0)
    assert buckets[1]["1"]["values"]["99.0"] == pytest.approx(2500, rel=0.05)


def test_top_endpoints_have_the_most_requests_with_their_latency(logs: Elasticsearch) -> None:
    buckets = panel(logs, "softfactory-top-endpoints")["3"]["buckets"]
    assert [(bucket["key"], bucket["doc_count"]) for bucket in buckets] == [
        ("/api/items", 101),
        ("/api/slow", 3),
        (NO_BUCKET, 1),
    ]
    assert buckets[0]["2"]["values"]["50.0"] == pytest.approx(51, abs=1)
    assert buckets[2]["2"]["values"]["99.0"] == 11.0


def test_failing_endpoints_have_the_exceptions_behind_them(logs: Elasticsearch) -> None:
    buckets = panel(logs, "softfactory-failing-endpoints")["2"]["buckets"]
    (one,) = buckets
    assert (one["key"], one["doc_count"]) == ("/api/slow", 2)
    causes = Counter({inner["key"]: inner["doc_count"] for inner in one["3"]["buckets"]})
    assert causes == {"TimeoutError": 1, NO_BUCKET: 1}


def test_a_query_that_is_none_is_refused(logs: Elasticsearch) -> None:
    with pytest.raises(BadRequestError, match="failed to create query"):
        logs.search(index=PATTERN, query=lucene("latency_ms:>"))
