"""What a person meets: options that explain themselves, and one clear line for bad input."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def checks(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "checks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--time-scale=0.5"], "--time-scale"),
        (["--time-scale=fast"], "--time-scale"),
        (["--elasticsearch-heap=64"], "--elasticsearch-heap"),
        (["--stack=cloud"], "choose from"),
        (
            ["--require=teleport"],
            "unknown capability teleport; known: compose, compose-accounts, compose-elasticsearch,"
            " compose-grafana, compose-kibana, compose-logstash, containers, elasticsearch,"
            " injection, own-clock, own-disk, own-watchers, postgresql, sample-limit-series",
        ),
    ],
)
def test_bad_input_ends_in_one_line_without_a_traceback(arguments: list[str], says: str) -> None:
    done = checks("--collect-only", "-q", *arguments)
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_help_teaches_every_option() -> None:
    text = checks("--help").stdout
    for option in (
        "--time-scale",
        "--stack",
        "--elasticsearch-heap",
        "--keep",
        "--require",
        "--reports",
        "--project",
        "--app",
        "--locustfile",
        "--rules",
        "--alertmanager-config",
        "--synthetic",
    ):
        assert option in text


def test_k_selects_everything_about_one_alert_and_no_other_alerts_drill() -> None:
    listed = checks("--collect-only", "-q", "-k", "SlowResponseTime").stdout.splitlines()
    drilled = [line for line in listed if "checks/alerts" in line]
    assert len(drilled) >= 7
    assert all(re.search(r"\[SlowResponseTime(-below)?\]", line) for line in drilled)
    assert any("test_rules_in_virtual_time" in line for line in listed)


def test_every_alert_has_a_test_for_each_claim() -> None:
    listed = checks("--collect-only", "-q").stdout
    for claim in (
        "test_fault_bit",
        "test_fires",
        "test_fires_in_time",
        "test_reaches_exactly_its_receivers",
        "test_nothing_else_fires",
        "test_resolves",
        "test_resolution_arrives",
    ):
        for alert in ("SoftFactoryDown-killed", "HighCPUUsage", "FailedDatabaseBackup-never"):
            assert f"::{claim}[{alert}]" in listed


def test_no_two_modules_of_the_plugin_make_a_fixture_of_one_name() -> None:
    # The later would be given to those who ask for the earlier.
    places: dict[str, list[str]] = {}
    for path in sorted((ROOT / "scenarios").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(
                "fixture" in ast.unparse(one) for one in node.decorator_list
            ):
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert len(places) > 10
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
