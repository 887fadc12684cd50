"""What a gate comes to: one verdict, one exit status, and three reports that say the same."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from scenarios.deployment.outcome import Outcome, counts, exit_status, overall
from scenarios.deployment.report import (
    append_markdown,
    markdown,
    print_outcomes,
    write_json,
)
from scenarios.deployment.target import BEFORE, DeploymentTarget
from scenarios.report import NotApplicable
from scenarios.verdict import Status, Verdict
from stack.clients.server import Server

TOKEN = "s3cr3t-token-of-nobody"
TARGET = DeploymentTarget(services=(Server(url="https://shop.io", token=TOKEN),))
LACKING = NotApplicable(
    test="checks/deployment/test_kibana_is_ready.py::test_kibana_is_ready",
    reason="no --kibana-url is given",
)


def outcome(status: Status, observed: str = "as it should be") -> Outcome:
    verdict = Verdict(
        claim=f"it is {status}", status=status, expected="so", observed=observed, look="there"
    )
    return Outcome(check=f"test_{status}", stage=BEFORE, verdict=verdict, seconds=0.1)


GOOD, BAD, DIM = (outcome(one) for one in (Status.PASS, Status.FAIL, Status.UNKNOWN))


def test_any_failure_outweighs_and_nothing_is_no_pass() -> None:
    assert overall([GOOD]) is Status.PASS
    assert overall([GOOD, DIM]) is Status.UNKNOWN
    assert overall([DIM, BAD]) is Status.FAIL
    assert overall([]) is Status.UNKNOWN


@pytest.mark.parametrize(
    ("outcomes", "lacking", "fail_on", "status"),
    [
        ([GOOD], [], "unknown", 0),
        ([GOOD], [LACKING], "unknown", 0),
        ([GOOD, DIM], [], "unknown", 1),
        ([GOOD, BAD], [], "unknown", 1),
        ([], [], "unknown", 1),
        ([GOOD, DIM], [], "fail", 0),
        ([GOOD, BAD], [], "fail", 1),
        ([GOOD], [LACKING], "not-applicable", 1),
        ([GOOD], [], "not-applicable", 0),
        ([GOOD, DIM], [], "not-applicable", 1),
        ([GOOD, BAD], [LACKING], "never", 0),
    ],
)
def test_the_exit_status_follows_from_what_was_asked_for(
    outcomes: list[Outcome], lacking: list[NotApplicable], fail_on: str, status: int
) -> None:
    assert exit_status(outcomes, lacking, fail_on) == status


def test_all_are_counted() -> None:
    assert (
        counts([GOOD, GOOD, BAD, DIM], [LACKING]) == "2 PASS, 1 FAIL, 1 UNKNOWN, 1 NOT APPLICABLE"
    )
    assert counts([], []) == "nothing was checked"


def test_the_table_has_a_line_a_check_and_fits_its_width() -> None:
    hostile = outcome(Status.FAIL, "[bold]http://a[/bold] " + "x" * 300 + "\nmore")
    file = io.StringIO()
    print_outcomes(Console(file=file, width=100), TARGET, [GOOD, hostile], [LACKING], 3.25)
    lines = file.getvalue().splitlines()
    assert all(len(line.rstrip()) <= 100 for line in lines)
    assert lines[0].startswith("PASS     it is PASS  as it should be")
    assert "[bold]http://a[/bold]" in lines[1]
    assert lines[2] == "NOT APPLICABLE  no --kibana-url is given: 1"
    assert lines[3] == "FAIL  1 PASS, 1 FAIL, 1 NOT APPLICABLE; production, 3.2 s"


def test_the_summary_of_a_job_shows_what_is_wrong_in_full_and_bears_any_text() -> None:
    hostile = outcome(Status.FAIL, "a | b\n```\n<script>")
    text = markdown(TARGET, [GOOD, DIM, hostile], [LACKING], 1.0)
    assert text.startswith("## Gate: FAIL\n")
    assert text.index("FAIL  it is FAIL") < text.index("UNKNOWN  it is UNKNOWN")
    assert "````text" in text
    row = next(line for line in text.splitlines() if line.startswith("| FAIL |"))
    assert row == r"| FAIL | it is FAIL | a \| b ... |"
    assert "| NOT APPLICABLE | kibana is ready | no --kibana-url is given |" in text


def test_a_summary_is_added_to_what_other_steps_have_said(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("others\n")
    append_markdown(page, "ours\n")
    assert page.read_text() == "others\nours\n"


def test_the_evidence_has_every_verdict_and_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "new" / "gate.json"
    write_json(path, TARGET, [GOOD, BAD], [LACKING], run="gate-1", seconds=2.0)
    found = json.loads(path.read_text())
    assert found["verdict"] == "FAIL"
    assert [one["status"] for one in found["checks"]] == ["PASS", "FAIL"]
    assert found["checks"][1]["look"] == "there"
    assert found["not_applicable"][0]["reason"] == "no --kibana-url is given"
    assert TOKEN not in path.read_text()
