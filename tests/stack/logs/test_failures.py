"""What Elasticsearch refuses is one line, whose advice fits the reason."""

from __future__ import annotations

import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import ApiError

from stack.logs.connection import Connection
from stack.logs.failures import explained

NODE = NodeConfig("http", "127.0.0.1", 9200)


def an_answer(status: int, type_: str, reason: str) -> ApiError:
    meta = ApiResponseMeta(
        status=status, http_version="1.1", headers=HttpHeaders(), duration=0.0, node=NODE
    )
    cause = {"type": type_, "reason": reason}
    return ApiError(type_, meta, {"error": {"root_cause": [cause], **cause}, "status": status})


@pytest.mark.parametrize(
    ("status", "type_", "advice"),
    [
        (401, "security_exception", "; set ELASTICSEARCH_API_KEY_FILE"),
        (403, "security_exception", "; the user or API key lacks the privilege"),
        (403, "cluster_block_exception", ""),
        (429, "circuit_breaking_exception", ""),
    ],
)
def test_the_advice_is_about_the_reason(status: int, type_: str, advice: str) -> None:
    line = explained(an_answer(status, type_, "no\nsuch luck"), Connection())
    begins = f"http://127.0.0.1:9200 answered {status}: no such luck"
    assert line.startswith(begins)
    assert line.removeprefix(begins).startswith(advice)
    assert bool(line.removeprefix(begins)) == bool(advice)
