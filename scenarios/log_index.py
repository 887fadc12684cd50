"""Reads what a run's logs came to: file, index, dead letters and the shipper's counters.

One rule: it reads and never judges (``scenarios.log_claims``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import requests
from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan
from prometheus_client.parser import text_string_to_metric_families

from scenarios.shipper import GATHERS_SECONDS, Shipper
from stack.durations import parse_duration
from stack.launch.elasticsearch import ElasticsearchNode
from stack.logs.connection import Connection
from stack.logs.indices import PATTERN
from stack.logs.shipping.dead_letters import DEAD_LETTERS_FILE
from stack.logs.shipping.shipper import POLL_SECONDS
from stack.logs.template import IndexOptions
from stack.waiting import NotYet, wait_until

TAKES_SECONDS = 1.0
"""What logging, reading, sending and asking take together, beside what is waited for on purpose:
some 50 ms each, and much more on a busy machine."""

FOUND_SECONDS = (
    POLL_SECONDS
    + GATHERS_SECONDS
    + parse_duration(IndexOptions().refresh_interval).total_seconds()
    + TAKES_SECONDS
)
"""Within what time a record is found once it was logged, nothing being broken: the shipper looks,
gathers for a while, and the index shows what is new at its next refresh."""

ARRIVES_SECONDS = 5 * FOUND_SECONDS
"""Patience until a record is found, also after a pause that followed a failure."""

ID = "event.id"

REFUSED = "log_shipper_refused_total"


class Shipped(Protocol):
    """A log that was shipped, or is."""

    @property
    def node(self) -> ElasticsearchNode:
        """Where its records go."""
        ...

    @property
    def directory(self) -> Path:
        """Where its dead letters are."""
        ...


def client_of(shipped: Shipped) -> Elasticsearch:
    """Return a client of the node that a log is shipped to."""
    return client_of_node(shipped.node)


def client_of_node(node: ElasticsearchNode) -> Elasticsearch:
    """Return a client of a node."""
    return Connection(urls=(node.url,)).client()


def ids_in_file(log_file: Path) -> list[str]:
    """Return the ids of the complete records in a log file and its rotated siblings."""
    ids = []
    for path in sorted(log_file.parent.glob(f"{log_file.name}*")):
        *lines, _ = path.read_bytes().split(b"\n")
        ids += [str(json.loads(line)[ID]) for line in lines if line]
    return ids


def ids_in_index(client: Elasticsearch, log_file: Path) -> list[str]:
    """Return the ids of the documents that came from a log file: a record's is its own.

    An index that was made just now is searched once its shards can be.
    """
    client.cluster.health(
        index=PATTERN, wait_for_status="yellow", timeout=f"{ARRIVES_SECONDS:.0f}s"
    )
    client.indices.refresh(index=PATTERN)
    query = {"query": {"prefix": {"log.file.path": str(log_file)}}, "_source": False}
    return [str(hit["_id"]) for hit in scan(client, index=PATTERN, query=query)]


def documents(client: Elasticsearch, term: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the documents with these values in these fields, the oldest first."""
    found = client.search(
        index=PATTERN,
        query={"bool": {"filter": [{"term": {name: value}} for name, value in term.items()]}},
        sort=[{"@timestamp": "asc"}],
        size=1000,
    )
    return [hit["_source"] for hit in found["hits"]["hits"]]


def wait_for_documents(
    client: Elasticsearch, number: int, term: Mapping[str, str], *, refreshing: bool = True
) -> list[dict[str, Any]]:
    """Wait until at least ``number`` documents have these values in these fields, and return them.

    Without ``refreshing`` they are found no sooner than by anybody else.

    Raises:
        WaitTimeout: they do not within `ARRIVES_SECONDS`.
    """

    def arrived() -> list[dict[str, Any]]:
        if refreshing:
            client.indices.refresh(index=PATTERN)
        found = documents(client, term)
        if len(found) < number:
            raise NotYet(f"{len(found)} of {number} documents")
        return found

    return wait_until(
        arrived,
        what=f"the index to hold {number} documents with {term}",
        timeout_seconds=ARRIVES_SECONDS,
        interval_seconds=0.1,
    )


def dead_letters(shipped: Shipped) -> list[dict[str, Any]]:
    """Return what Elasticsearch refused of a log's records, each with the reason."""
    path = shipped.directory / DEAD_LETTERS_FILE
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def counters_of(shipper: Shipper) -> Mapping[str, float]:
    """Return the shipper's own numbers, each summed over its labels."""
    text = requests.get(shipper.url, timeout=ARRIVES_SECONDS).text
    numbers: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            numbers[sample.name] = numbers.get(sample.name, 0.0) + sample.value
    return numbers


def wait_drained(shipper: Shipper) -> None:
    """Wait until nothing waits to be shipped.

    Raises:
        WaitTimeout: something still does after `ARRIVES_SECONDS`.
    """

    def drained() -> bool:
        lag = counters_of(shipper)["log_shipper_lag_bytes"]
        if lag > 0:
            raise NotYet(f"{lag:.0f} bytes wait")
        return True

    wait_until(
        drained,
        what=f"{shipper.name} to have shipped all of {shipper.log_file}",
        timeout_seconds=ARRIVES_SECONDS,
        interval_seconds=0.1,
        retry_on=(requests.RequestException,),
    )
