"""The exposition is valid, and `promtool check metrics` has nothing new to complain of."""

import subprocess

import requests

from scenarios.campaign import Campaign
from stack.tools import Tools

ABBREVIATED = "metric names should not contain abbreviated units"
KNOWN_COMPLAINTS = {
    # the two names are given
    f"softfactory_memory_rss_mb {ABBREVIATED}",
    f"softfactory_request_latency_ms {ABBREVIATED}",
}


def test_promtool_accepts_the_exposition(campaign: Campaign, tools: Tools) -> None:
    url = f"{campaign.control.instance.url}/api/metrics/prometheus"
    answer = requests.get(url, timeout=5)
    answer.raise_for_status()
    assert "softfactory_requests_total{" in answer.text
    checked = subprocess.run(
        [*tools.promtool.command, "check", "metrics"],
        input=answer.text,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    complaints = {line for line in (checked.stdout + checked.stderr).splitlines() if line}
    assert complaints == KNOWN_COMPLAINTS
