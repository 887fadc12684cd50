"""One real Elasticsearch node for all tests of the logs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from elasticsearch import Elasticsearch

from stack.launch.elasticsearch import EmbeddedElasticsearch
from stack.logs.connection import Connection
from stack.ports import reserve
from stack.processes import Processes
from stack.tools import ToolSettings
from stack.tools.elasticsearch import find_elasticsearch

READY_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Where the node is, and a client of it."""

    url: str
    client: Elasticsearch


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that is ready; whatever a test writes stays until the session's end."""
    home = find_elasticsearch(ToolSettings.from_env(), print)
    directory = tmp_path_factory.mktemp("elasticsearch")
    with (
        Processes() as processes,
        reserve() as port,
        EmbeddedElasticsearch(home, directory, processes, port.port) as embedded,
    ):
        embedded.start()
        embedded.wait_ready(READY_SECONDS)
        connection = Connection(urls=(embedded.url,), timeout_seconds=READY_SECONDS)
        with connection.client() as client:
            yield Node(url=embedded.url, client=client)
