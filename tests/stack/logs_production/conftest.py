"""One real Elasticsearch for the tests of this folder, with the template that setup installs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from stack.launch.elasticsearch import EmbeddedElasticsearch
from stack.logs.connection import Connection
from stack.logs.fields import load_fields
from stack.logs.setup import Plan, set_up
from stack.ports import reserve
from stack.processes import Processes
from stack.tools import ToolSettings
from stack.tools.elasticsearch import find_elasticsearch

READY_SECONDS = 60.0


@pytest.fixture(scope="session")
def elasticsearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elasticsearch]:
    home = find_elasticsearch(ToolSettings.from_env(), lambda _: None)
    directory = tmp_path_factory.mktemp("elasticsearch")
    with (
        Processes() as processes,
        reserve() as port,
        EmbeddedElasticsearch(home, directory, processes, port.port) as node,
    ):
        node.start()
        node.wait_ready(READY_SECONDS)
        client = Connection(urls=(node.url,)).client()
        list(set_up(client, Plan(fields=load_fields(), days=30)))
        yield client
        client.close()
