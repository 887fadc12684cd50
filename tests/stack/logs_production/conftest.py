"""One real Elasticsearch for the tests of this folder, with the template that setup installs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from stack.logs.fields import load_fields
from stack.logs.setup import Plan, set_up
from tests.stack.logs.running import running_node


@pytest.fixture(scope="session")
def elasticsearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elasticsearch]:
    with running_node(tmp_path_factory.mktemp("elasticsearch")) as (_, client):
        list(set_up(client, Plan(fields=load_fields(), days=30)))
        yield client
