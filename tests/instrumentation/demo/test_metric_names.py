"""Prometheus' own linter reads everything that the service exposes."""

import subprocess

import pytest

from stack.tools import ToolSettings, find_tools

pytestmark = pytest.mark.integration

GIVEN = {"softfactory_memory_rss_mb", "softfactory_request_latency_ms"}
"""Names that were given; their units are abbreviated, which the linter minds."""


def lint(text):
    promtool = find_tools(ToolSettings.from_env(), lambda _: None).promtool.command
    return subprocess.run(
        [*promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )


def test_the_linter_complains_of_the_two_given_names_and_of_nothing_else(client):
    client.get("/api/users")
    client.get("/nowhere")
    done = lint(client.get("/api/metrics/prometheus").text)
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    named = {complaint.partition(" ")[0] for complaint in complaints}
    assert named == GIVEN, "\n".join(complaints)


def test_the_linter_does_complain_of_a_name_that_is_wrong():
    done = lint("# HELP requests Requests.\n# TYPE requests counter\nrequests 1\n")
    assert done.returncode != 0
    assert "_total" in done.stdout + done.stderr
