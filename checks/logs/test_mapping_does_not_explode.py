"""Fields that nobody knows don't grow the mapping, however many there are."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scenarios.log_index import client_of_node, ids_in_index, wait_drained
from scenarios.logs import Logs
from stack.logs.indices import PATTERN

UNKNOWN = 2000
"""Twice the number of fields at which Elasticsearch refuses to map any more."""


@pytest.mark.requires("elasticsearch")
def test_unknown_fields_do_not_explode_the_mapping(logs: Logs, tmp_path: Path) -> None:
    log_file = tmp_path / "unknown.log"
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    log_file.write_text(
        "".join(
            json.dumps({"@timestamp": now, "event.id": f"unknown-{number}", f"field-{number}": 1})
            + "\n"
            for number in range(UNKNOWN)
        )
    )
    client = client_of_node(logs.node)
    before = client.indices.get_mapping(index=PATTERN)
    with logs.shipping("unknown", log_file) as shipper:
        wait_drained(shipper)
        assert len(set(ids_in_index(client, log_file))) == UNKNOWN
        assert client.indices.get_mapping(index=PATTERN) == before
