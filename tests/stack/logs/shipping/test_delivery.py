"""A batch is sent until every record is in the index or refused, and never more than that."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from elasticsearch import ApiError, Elasticsearch, TransportError

from stack.logs.connection import Connection
from stack.logs.failures import explained
from stack.logs.shipping.delivery import Delivery, Unreachable
from stack.logs.shipping.parts import Record
from tests.stack.logs.shipping.conftest import Foreign

BULK_BYTES = 1 << 20


class Told:
    """Notes what the delivery says, and waits for nothing."""

    def __init__(self) -> None:
        self.retries: Counter[str] = Counter()
        self.successes = 0
        self.waits: list[float] = []
        self.lines: list[str] = []

    def repeats(self, reason: str) -> None:
        self.retries[reason] += 1

    def succeeds(self) -> None:
        self.successes += 1


def explain(error: ApiError | TransportError) -> str:
    return explained(error, Connection())


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def client(double: Any) -> Iterator[Elasticsearch]:
    client = Connection(urls=(double.url,), timeout_seconds=0.5).client()
    yield client
    client.close()


def delivery(
    client: Elasticsearch, told: Told, *, patience: float | None = None, size: int = BULK_BYTES
) -> Delivery:
    return Delivery(
        client,
        max_bytes=size,
        wait=told.waits.append,
        observer=told,
        say=told.lines.append,
        explain=explain,
        patience_seconds=patience,
    )


def records(count: int, *, characters: int = 10) -> list[Record]:
    return [
        (
            orjson.dumps({"create": {"_index": "softfactory-logs-2026.11.25", "_id": f"e-{one}"}}),
            orjson.dumps({"message": "x" * characters, "number": one}),
        )
        for one in range(count)
    ]


def whole(status: int, body: object = None, error_type: str = "illegal_argument_exception") -> Any:
    """Return an answer to a whole request, as a node or a proxy before it gives it."""
    cause = {"type": error_type, "reason": "said so"}
    error = {"error": {**cause, "root_cause": [cause]}, "status": status}
    return lambda _double, _items: (status, error if body is None else body)


NGINX = "<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body>nginx</body></html>"


def of_a_proxy(status: int, body: str = NGINX, content_type: str = "text/html") -> Any:
    """Return an answer that no node gave."""
    return lambda _double, _items: Foreign(status, body, content_type)


def each(status: int, error_type: str, *numbers: int) -> Any:
    """Return an answer in which the records of these numbers fail; the others are taken."""

    def answer(double: Any, items: list[dict[str, Any]]) -> tuple[int, Any]:
        error = {"type": error_type, "reason": "said so", "caused_by": {"reason": "for cause"}}
        told = [
            {"create": {"status": status, "error": error}}
            if item["document"]["number"] in numbers
            else double.take(item)
            for item in items
        ]
        return 200, {"items": told}

    return answer


def hang(double: Any, _items: object) -> None:
    double.let_go.wait(20)


def vanish(_double: Any, _items: object) -> None:
    """Break the connection without an answer."""


def vanish_afterwards(double: Any, items: list[dict[str, Any]]) -> None:
    for item in items:
        double.take(item)


def test_one_request_takes_a_small_batch(double: Any, client: Elasticsearch, told: Told) -> None:
    outcome = delivery(client, told).deliver(records(100))
    assert (outcome.shipped, outcome.refused) == (100, ())
    assert len(double.documents) == 100
    assert len(double.requests) == 1
    assert (told.successes, told.waits, told.lines) == (1, [], [])


def test_no_request_is_larger_than_the_bound(
    double: Any, client: Elasticsearch, told: Told
) -> None:
    delivery(client, told, size=100_000).deliver(records(400, characters=900))
    assert len(double.documents) == 400
    assert max(double.sizes) <= 100_000
    assert len(double.requests) == 4


def test_a_record_that_is_larger_than_the_bound_goes_alone(
    double: Any, client: Elasticsearch, told: Told
) -> None:
    large = records(3, characters=5000)[1]
    small = records(3)
    delivery(client, told, size=2000).deliver([small[0], large, small[2]])
    assert double.requests == [["e-0"], ["e-1"], ["e-2"]] or sorted(double.requests) == [
        ["e-0"],
        ["e-1"],
        ["e-2"],
    ]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(whole(429), "too_many_requests", id="429"),
        pytest.param(whole(500), "server_error", id="500"),
        pytest.param(whole(503), "server_error", id="503"),
        pytest.param(whole(401), "other", id="401"),
        pytest.param(whole(403), "other", id="403"),
        pytest.param(whole(200, {}), "other", id="no items"),
        pytest.param(whole(200, {"items": []}), "other", id="too few items"),
        pytest.param(whole(200, {"items": [7] * 5}), "other", id="nonsense"),
        pytest.param(of_a_proxy(400), "other", id="a proxy's 400"),
        pytest.param(
            of_a_proxy(400, '{"error":{"type":"illegal_argument_exception"}}', "application/json"),
            "other",
            id="a 400 that only looks like Elasticsearch's",
        ),
        pytest.param(whole(400, {"error": "no handler"}), "other", id="a 400 without a type"),
        pytest.param(
            whole(400, error_type="media_type_header_exception"), "other", id="a 400 for the client"
        ),
        pytest.param(vanish, "connection", id="broken connection"),
        pytest.param(hang, "timeout", id="no answer"),
    ],
)
def test_what_is_no_fault_of_the_records_is_tried_again(
    double: Any, client: Elasticsearch, told: Told, answer: Any, reason: str
) -> None:
    double.next.extend([answer, answer])
    outcome = delivery(client, told).deliver(records(5))
    assert (outcome.shipped, outcome.refused) == (5, ())
    assert len(double.documents) == 5
    assert told.retries == {reason: 2}
    assert len(told.waits) == 2
    assert len(told.lines) == 2
    assert told.lines[0].endswith("5 records wait, and are sent again")
    assert told.lines[1] == "Elasticsearch takes records again"


def test_only_the_records_that_met_a_full_queue_are_sent_again(
    double: Any, client: Elasticsearch, told: Told
) -> None:
    double.next.append(each(429, "es_rejected_execution_exception", 1, 3))
    double.next.append(each(503, "unavailable_shards_exception", 3))
    outcome = delivery(client, told).deliver(records(5))
    assert outcome.shipped == 5
    assert double.requests[1:] == [["e-1", "e-3"], ["e-3"]]
    assert told.retries == {"too_many_requests": 1, "server_error": 1}


def test_an_answer_that_is_lost_makes_no_record_twice(
    double: Any, client: Elasticsearch, told: Told
) -> None:
    double.next.append(vanish_afterwards)
    outcome = delivery(client, told).deliver(records(5))
    assert outcome.shipped == 5
    assert len(double.documents) == 5
    assert told.retries == {"connection": 1}


def test_a_refused_record_is_returned_with_its_reason_and_the_others_are_shipped(
    double: Any, client: Elasticsearch, told: Told
) -> None:
    double.next.append(each(400, "document_parsing_exception", 2))
    outcome = delivery(client, told).deliver(records(5))
    assert outcome.shipped == 4
    (refused,) = outcome.refused
    assert (refused.status, refused.reason_type) == (400, "document_parsing_exception")
    assert refused.reason == "said so: for cause"
    assert (refused.index, refused.id) == ("softfactory-logs-2026.11.25", "e-2")
    assert orjson.loads(refused.document)["number"] == 2
    assert not told.retries


def test_a_cluster_that_may_have_no_more_shards_refuses_no_record(
    double: Any, client: Elasticsearch, told: Told
) -> None:
    double.next.append(each(400, "validation_exception", 0, 1, 2, 3, 4))
    outcome = delivery(client, told).deliver(records(5))
    assert (outcome.shipped, outcome.refused) == (5, ())
    assert told.lines[0] == (
        "Elasticsearch answers 400 validation_exception: said so: for cause;"
        " 5 records wait, and are sent again"
    )


def test_success_is_that_the_index_has_a_record_and_not_that_it_refused_one(
    double: Any, client: Elasticsearch, told: Told
) -> None:
    double.next.append(each(400, "document_parsing_exception", 0, 1))
    outcome = delivery(client, told).deliver(records(2))
    assert (len(outcome.refused), told.successes) == (2, 0)
    double.next.append(each(400, "document_parsing_exception", 0))
    delivery(client, told).deliver(records(2))
    assert told.successes == 1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (whole(503), "http://127.0.0.1:9200 answered 503: said so"),
        (whole(401), "answered 401: said so; set ELASTICSEARCH_API_KEY_FILE, or"),
        (of_a_proxy(502, "<html>\n" + "x" * 999), "http://127.0.0.1:9200 answered 502: <html> xxx"),
        (hang, "http://127.0.0.1:9200 did not answer in 10 s; is it overloaded?"),
    ],
    ids=["503", "401", "page", "late"],
)
def test_why_it_waits_is_said_for_a_person(
    double: Any, client: Elasticsearch, told: Told, answer: Any, says: str
) -> None:
    double.next.append(answer)
    delivery(client, told).deliver(records(2))
    assert says in told.lines[0]
    assert len(told.lines[0]) < 400
    assert "Error(" not in told.lines[0]


@pytest.mark.parametrize("status", [400, 413])
def test_one_record_for_which_the_whole_request_is_refused_is_found(
    double: Any, client: Elasticsearch, told: Told, status: int
) -> None:
    def answer(double: Any, items: list[dict[str, Any]]) -> tuple[int, Any]:
        if any(item["document"]["number"] == 77 for item in items):
            return whole(status)(double, items)
        return 200, {"items": [double.take(item) for item in items]}

    double.always = answer
    outcome = delivery(client, told).deliver(records(100))
    assert outcome.shipped == 99
    assert [one.id for one in outcome.refused] == ["e-77"]
    assert len(double.documents) == 99
    assert told.waits == []
    assert len(double.requests) < 20


def test_nothing_is_given_up_while_the_node_is_gone(told: Told) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        client = Connection(urls=(url,)).client()

        class Enough(Exception):
            pass

        def wait(seconds: float) -> None:
            told.waits.append(seconds)
            if len(told.waits) == 50:
                raise Enough

        sender = Delivery(
            client,
            max_bytes=99,
            wait=wait,
            observer=told,
            say=told.lines.append,
            explain=explain,
        )
        with pytest.raises(Enough):
            sender.deliver(records(3))
        client.close()
    assert len(told.lines) == 1


def test_it_gives_up_where_patience_has_a_bound(told: Told) -> None:
    client = Connection(urls=("http://127.0.0.1:1",)).client()
    with pytest.raises(Unreachable, match=re.compile(r"took nothing for 0 s: .*refused", re.I)):
        delivery(client, told, patience=0.0).deliver(records(3))
    client.close()
