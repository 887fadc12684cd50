"""A request with a known X-Request-Id is found, with every promised field right, typed, in UTC."""

import time
import uuid

import pytest
import requests

from scenarios.campaign import Campaign
from scenarios.log_claims import missing_fields, wrong_fields
from scenarios.log_index import FOUND_SECONDS, client_of, wait_for_documents
from scenarios.logs import Logs
from stack.logs.fields import load_fields

pytestmark = pytest.mark.of_the_demo


@pytest.mark.requires("elasticsearch")
def test_request_is_found_by_its_id(campaign: Campaign, logs: Logs) -> None:
    target = campaign.control
    assert target.shipper is not None
    name = f"alertproof-{uuid.uuid4().hex}"
    answer = requests.get(
        f"{target.instance.url}/api/users?page=1",
        headers={"X-Request-Id": name, "X-User-Id": "7"},
        timeout=5,
    )
    answer.raise_for_status()
    answered = time.monotonic()
    client = client_of(target.shipper)
    (document,) = wait_for_documents(client, 1, {"request_id": name}, refreshing=False)
    took = time.monotonic() - answered
    assert took <= FOUND_SECONDS, f"found after {took:.2f} s, expected within {FOUND_SECONDS:.2f} s"

    fields = load_fields()
    assert wrong_fields(document, fields) + missing_fields(document, fields) == []
    told = {
        "request_id": name,
        "http.request.method": "GET",
        "http.response.status_code": answer.status_code,
        "http.response.body.bytes": len(answer.content),
        "http.route": "/api/users",
        "url.path": "/api/users",
        "url.query": "page=1",
        "user.id": "7",
        "log.level": "info",
        "message": f"GET /api/users {answer.status_code}",
    }
    assert {field: document.get(field) for field in told} == told
    assert document["latency_ms"] == pytest.approx(document["event.duration"] / 1e6, abs=0.001)
