"""One real Elasticsearch node for all tests of the logs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from elasticsearch import Elasticsearch

from tests.stack.logs.running import running_node


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Where the node is, and a client of it."""

    url: str
    client: Elasticsearch


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that is ready; whatever a test writes stays until the session's end."""
    with running_node(tmp_path_factory.mktemp("elasticsearch")) as (url, client):
        yield Node(url=url, client=client)
