"""Fields that nobody knows don't grow the mapping, however many there are."""

import json
from datetime import UTC, datetime

import pytest

from scenarios.handed_over import HandedOver
from scenarios.log_index import client_of, ids_in_index
from stack.logs.indices import PATTERN, index_of

pytestmark = pytest.mark.of_the_demo

UNKNOWN = 2000
"""Twice the number of fields at which Elasticsearch refuses to map any more."""


def _log() -> str:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return "".join(
        json.dumps({"@timestamp": now, "event.id": f"unknown-{number}", f"field-{number}": 1})
        + "\n"
        for number in range(UNKNOWN)
    )


@pytest.mark.requires("elasticsearch")
@pytest.mark.ships("unknown", _log)
def test_unknown_fields_do_not_explode_the_mapping(handed_over: HandedOver) -> None:
    client = client_of(handed_over)
    assert len(set(ids_in_index(client, handed_over.log_file))) == UNKNOWN
    fresh = client.indices.simulate_index_template(name=index_of(datetime.now(UTC)))
    expected = fresh["template"]["mappings"]
    found = client.indices.get_mapping(index=PATTERN)
    assert found, f"no index is named {PATTERN}"
    assert {name: one["mappings"] for name, one in found.items()} == dict.fromkeys(found, expected)
