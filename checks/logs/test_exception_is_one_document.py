"""An exception's stack trace, many lines long, is one document."""

import uuid

import pytest
import requests

from scenarios.campaign import Campaign
from scenarios.faults.request import raising
from scenarios.log_index import client_of, wait_for_documents
from scenarios.logs import Logs

pytestmark = pytest.mark.of_the_demo


@pytest.mark.requires("elasticsearch")
def test_stack_trace_is_one_document(campaign: Campaign, logs: Logs) -> None:
    target = campaign.control
    assert target.shipper is not None
    name = f"alertproof-{uuid.uuid4().hex}"
    fault = raising(target, method="GET", path="/api/users")
    answer = requests.get(
        f"{target.instance.url}/api/users", headers={"X-Request-Id": name, **fault}, timeout=5
    )
    assert answer.status_code == 500

    # the exception's record and the finished request's
    found = wait_for_documents(client_of(target.shipper), 2, {"request_id": name})

    traces = [one["error.stack_trace"] for one in found if "error.stack_trace" in one]
    assert len(traces) == 1, f"{len(traces)} of {len(found)} documents hold a stack trace"
    lines = traces[0].splitlines()
    assert lines[0].startswith("Traceback")
    assert len(lines) > 2
