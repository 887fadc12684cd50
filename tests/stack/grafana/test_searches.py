"""A real Elasticsearch is searched as Grafana does it; what is shown must be in what is found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from elasticsearch import Elasticsearch

from stack.grafana.dashboards import DashboardError, Query
from stack.grafana.searches import search
from stack.logs.fields import load_fields
from stack.logs.indices import index_of
from stack.logs.setup import Plan, set_up
from tests.stack.logs.running import running_node

pytestmark = pytest.mark.integration

RECORD = {
    "log.level": "error",
    "message": "GET /api/users 500",
    "service.name": "shop",
    "latency_ms": 1500.0,
    "extra": {"any": "thing"},
}


def lucene(text: str, *fields: str) -> Query:
    named = ("@timestamp", *fields)
    return Query(ref_id="A", source="logs", kind="elasticsearch", text=text, fields=named)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elasticsearch]:
    """A node with one record in it."""
    with running_node(tmp_path_factory.mktemp("elasticsearch")) as (_, client):
        list(set_up(client, Plan(fields=load_fields(), days=30)))
        now = datetime.now(UTC)
        document = {"@timestamp": now.isoformat().replace("+00:00", "Z"), **RECORD}
        client.index(index=index_of(now), document=document, refresh=True)
        yield client


@pytest.mark.parametrize(
    "query",
    [
        lucene("service.name:$service", *RECORD),
        lucene("", "service.name"),
        lucene("log.level:(error OR critical) AND latency_ms:>$objective"),
        lucene("_exists_:latency_ms"),
    ],
    ids=lambda query: query.text,
)
def test_a_record_that_has_what_is_shown_is_an_answer(client: Elasticsearch, query: Query) -> None:
    answer = search(client, query, {"objective": "1000"})
    assert (answer.series, answer.error) == (1, "")


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (lucene("latency_ms:>$objective"), ""),
        (lucene("level:error"), ""),
        (lucene("log.level:error", "url.path", "tags"), "of 1 records .* none has tags, url.path"),
        (lucene("log.level:error AND"), "Failed to parse query"),
        (lucene("latency_ms:slow"), "failed to create query"),
    ],
    ids=lambda given: given.text if isinstance(given, Query) else "",
)
def test_nothing_found_a_field_of_none_and_a_search_that_is_none_are_no_answer(
    client: Elasticsearch, query: Query, error: str
) -> None:
    answer = search(client, query, {"objective": "2000"})
    assert not answer.holds
    assert re.search(error, answer.error) if error else not answer.error


def test_a_variable_without_a_value_is_refused(client: Elasticsearch) -> None:
    with pytest.raises(DashboardError, match=r"\$user"):
        search(client, lucene("user.id:$user"), {})
