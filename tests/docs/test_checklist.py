"""Each line of the checklist that was asked for is shown by something that is there."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from stack.baseline.options import parser as baseline_parser
from stack.compose.command import _parser as stack_parser

ROOT = Path(__file__).resolve().parents[2]
CHECKLIST = ROOT / "docs" / "checklist.md"
LINES = (
    "health endpoints return 200",
    "Prometheus format works",
    "logs are JSON",
    "the stack runs",
    "Prometheus' target is UP",
    "Elasticsearch receives logs",
    "Grafana is reachable",
    "Kibana's Discover works",
    "notification secrets set",
    "retention 30 days in production and 7 in development",
    "Elasticsearch heap 1 GB or more",
    "log directory with proper permissions",
    "dependencies installed",
    "endpoints answer",
    "stack up",
    "all targets UP",
    "channels configured",
    "dashboards watched for 24 hours",
    "normal values recorded",
    "thresholds tuned from them",
    "on-call rotation set",
    "people trained on the runbooks",
)
"""As they were given: typed in, never read from the document that they judge."""

NO_SUCH_NODE = 4
"""pytest's status for a name that selects nothing (`ExitCode.USAGE_ERROR`)."""

PARSERS = {"baseline": baseline_parser, "stack": stack_parser}


def rows(text: str) -> dict[str, tuple[str, str]]:
    """The table: what shows a line, and what stays with people, by the line."""
    table = text.partition("<!-- checklist -->")[2]
    found = re.findall(
        r"^\| (?!line \||---)([^|]+?) \| ([^|]*?) \|(?: ([^|]*?))? ?\|$", table, re.M
    )
    return {line: (shown, people) for line, shown, people in found}


def shown_by(text: str) -> list[str]:
    return [name for shown, _ in rows(text).values() for name in re.findall(r"`([^`]+)`", shown)]


def collect(names: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def sessions() -> set[str]:
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


TEXT = CHECKLIST.read_text(encoding="utf-8")


def test_every_line_that_was_asked_for_is_there_and_no_other() -> None:
    assert tuple(rows(TEXT)) == LINES


def test_a_line_that_is_lost_is_found() -> None:
    without = TEXT.replace("| logs are JSON |", "| logs are |")
    assert tuple(rows(without)) != LINES


@pytest.mark.parametrize("line", LINES)
def test_every_line_is_shown_by_something(line: str) -> None:
    assert re.findall(r"`([^`]+)`", rows(TEXT)[line][0])


def test_every_test_that_is_named_can_be_collected() -> None:
    names = sorted({name for name in shown_by(TEXT) if "::" in name})
    done = collect(names)
    assert done.returncode != NO_SUCH_NODE, re.findall(r"ERROR: .*", done.stderr)
    assert done.returncode in (0, 5), done.stdout + done.stderr  # 5: not applicable here, all


def test_a_test_that_is_not_there_is_found() -> None:
    named = "checks/service/test_health_endpoints.py::test_endpoint_answers_201"
    done = collect(["tests/test_rooms.py", named])
    assert done.returncode == NO_SUCH_NODE
    assert "test_endpoint_answers_201" in done.stderr


def test_everything_else_that_is_named_is_a_command_with_options_that_it_takes() -> None:
    commands = [name for name in shown_by(TEXT) if "::" not in name]
    assert commands
    for command in commands:
        match = re.fullmatch(r"nox -s (\w+)(?: -- (.+))?", command)
        assert match, command
        assert match[1] in sessions(), f"{command}: nox has no such session"
        if match[2]:
            assert match[1] in PARSERS, f"{command}: say here how its options are read"
            PARSERS[match[1]]().parse_args(shlex.split(match[2]))
