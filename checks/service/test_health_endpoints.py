"""Every monitoring endpoint of the running service answers 200."""

import pytest
import requests

from scenarios.campaign import Campaign

ENDPOINTS = ("health", "ready", "live", "summary", "prometheus", "errors")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_endpoint_answers_200(campaign: Campaign, endpoint: str) -> None:
    url = f"{campaign.control.instance.url}/api/metrics/{endpoint}"
    answer = requests.get(url, timeout=5)
    assert answer.status_code == requests.codes.ok, (
        f"expected 200 from {url}, observed {answer.status_code}: {answer.text[:200]}"
    )
