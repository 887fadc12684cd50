"""A real Elasticsearch node for as long as tests need one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from elasticsearch import Elasticsearch

from stack.launch.elasticsearch import EmbeddedElasticsearch
from stack.logs.connection import Connection
from stack.ports import reserve
from stack.processes import Processes
from stack.tools import ToolSettings
from stack.tools.elasticsearch import find_elasticsearch

READY_SECONDS = 60.0


@contextmanager
def running_node(directory: Path) -> Iterator[tuple[str, Elasticsearch]]:
    """Yield the address of a node that is ready, and a client of it."""
    home = find_elasticsearch(ToolSettings.from_env(), print)
    with (
        Processes() as processes,
        reserve() as port,
        EmbeddedElasticsearch(home, directory, processes, port.port) as node,
    ):
        node.start()
        node.wait_ready(READY_SECONDS)
        connection = Connection(urls=(node.url,), timeout_seconds=READY_SECONDS)
        with connection.client() as client:
            yield node.url, client
