"""Every line of the service's log is one JSON object with what a request's record needs."""

import json
import re

import pytest
import requests

from scenarios.campaign import Campaign
from stack.waiting import wait_until

pytestmark = pytest.mark.of_the_demo

REQUEST_ID = "alertproof-log-check"
USER_ID = "7"


def test_every_line_is_a_json_object(campaign: Campaign) -> None:
    lines = _log(campaign)
    assert lines, "the service has logged nothing"
    for number, line in enumerate(lines, start=1):
        assert isinstance(json.loads(line), dict), f"line {number} is no JSON object: {line[:200]}"


def test_a_request_is_logged_with_its_id_latency_and_user(campaign: Campaign) -> None:
    url = f"{campaign.control.instance.url}/api/users"
    headers = {"X-Request-Id": REQUEST_ID, "X-User-Id": USER_ID}
    requests.get(url, headers=headers, timeout=5).raise_for_status()

    def find() -> dict[str, object] | None:
        records = [json.loads(line) for line in _log(campaign) if REQUEST_ID in line]
        return next((record for record in records if "latency_ms" in record), None)

    record = wait_until(find, what=f"the record of request {REQUEST_ID}", timeout_seconds=5)
    assert record["request_id"] == REQUEST_ID
    assert record["user.id"] == USER_ID
    assert isinstance(record["latency_ms"], int | float)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", str(record["@timestamp"]))


def _log(campaign: Campaign) -> list[str]:
    path = campaign.control.instance.directory / "app.log"
    # the last line may be half written while the service goes on serving
    return path.read_text(encoding="utf-8").split("\n")[:-1]
