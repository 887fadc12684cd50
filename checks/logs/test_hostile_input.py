"""Hostile records arrive unharmed or in the dead letters: none is dropped, none harms another."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from scenarios.handed_over import HandedOver
from scenarios.log_claims import unequal
from scenarios.log_index import client_of, dead_letters, ids_in_index
from stack.logs.indices import PATTERN

pytestmark = pytest.mark.of_the_demo

MEBIBYTE = 1 << 20
HOSTILE: dict[str, dict[str, Any]] = {
    "quotes": {"message": 'he said "no" and \\ left'},
    "newlines": {"message": "one\ntwo\r\nthree\u2028four"},
    "unicode": {"message": "naïve 日本語 \U0001f4a5 \u0000 \u202e"},
    "megabyte": {"message": "x" * MEBIBYTE},
    "markup": {"message": "<script>alert(1)</script> @here &amp; ${jndi:ldap://x}"},
    "unknown-field": {"message": "m", "never.heard.of": {"a": [1, {"b": 2}]}},
    "clash-number": {"message": "m", "http.response.status_code": "no number"},
    "clash-object": {"message": {"an": "object"}},
    "clash-date": {"message": "m", "@timestamp": "yesterday, about noon"},
    "deep": {"message": "m", "extra": json.loads("[" * 60 + "1" + "]" * 60)},
    "long-key": {"message": "m", "extra": {"k" * 40_000: "v"}},
    "long-value": {"message": "m", "extra": {"k": "v" * 40_000}},
    "number-beyond": {"message": "m", "http.response.body.bytes": 10**30},
}


def _log() -> str:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    usual = {"@timestamp": now, "log.level": "info", "service.name": "hostile"}
    lines = [json.dumps({**usual, **more, "event.id": name}) for name, more in HOSTILE.items()]
    return "\n".join([*lines, "no JSON at all", "[1, 2]", '{"torn": ', ""])


@pytest.mark.requires("elasticsearch")
@pytest.mark.ships("hostile", _log)
def test_hostile_records_arrive_or_are_dead_letters(handed_over: HandedOver) -> None:
    client = client_of(handed_over)
    arrived = ids_in_index(client, handed_over.log_file)
    dead = [str(one["document"]["event.id"]) for one in dead_letters(handed_over)]
    odd = _odd(handed_over)

    assert unequal([*HOSTILE, *odd], arrived, dead) == []
    assert sorted(one["event.original"] for one in odd.values()) == [
        "[1, 2]",
        "no JSON at all",
        '{"torn": ',
    ]
    document = client.search(index=PATTERN, query={"term": {"event.id": "newlines"}})
    assert document["hits"]["hits"][0]["_source"]["message"] == HOSTILE["newlines"]["message"]


def _odd(shipped: HandedOver) -> dict[str, dict[str, Any]]:
    found = client_of(shipped).search(
        index=PATTERN,
        query={
            "bool": {
                "filter": [
                    {"term": {"tags": "not_json"}},
                    {"term": {"log.file.path": str(shipped.log_file)}},
                ]
            }
        },
    )
    return {hit["_id"]: hit["_source"] for hit in found["hits"]["hits"]}
