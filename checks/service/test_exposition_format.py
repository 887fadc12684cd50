"""The exposition is valid, and `promtool check metrics` has nothing new to complain of."""

import subprocess

import requests

from scenarios.campaign import Campaign
from stack.tools import Tools

KNOWN_COMPLAINTS = {
    # the two names are given, with their abbreviated units
    "softfactory_memory_rss_mb",
    "softfactory_request_latency_ms",
}


def test_promtool_accepts_the_exposition(campaign: Campaign, tools: Tools) -> None:
    url = f"{campaign.control.instance.url}/api/metrics/prometheus"
    exposition = requests.get(url, timeout=5).text
    checked = subprocess.run(
        [*tools.promtool.command, "check", "metrics"],
        input=exposition,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    complaints = (checked.stdout + checked.stderr).splitlines()
    unknown = [line for line in complaints if line and line.split()[0] not in KNOWN_COMPLAINTS]
    assert not unknown, "promtool complains of\n" + "\n".join(unknown)
