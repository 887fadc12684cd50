"""The guides to tuning and to load tests say what the commands take, mean and do."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from loadtests.command import VERDICT
from loadtests.command import _parser as loadtest_parser
from loadtests.objectives import SUCCESS_RATIO, WITHIN_MS, WITHIN_RATIO, Objectives, Status
from stack.baseline.grid import POINTS_A_SERIES, SAMPLES_A_RULE, SAMPLES_AN_ANSWER
from stack.baseline.options import parser as baseline_parser
from stack.baseline.standing import Verdict
from tests.docs.guide import ROOT

BASELINE = (ROOT / "docs" / "baseline.md").read_text(encoding="utf-8")
LOADTEST = (ROOT / "docs" / "loadtest.md").read_text(encoding="utf-8")
JOURNEYS = (ROOT / "loadtests" / "journeys.py").read_text(encoding="utf-8")
OBJECTIVES = {"--within-ms", "--within-ratio", "--success-ratio"}
OF_LOCUST = {"--expect-workers", "--master-host"}
"""Locust reads them itself, as `loadtests/measured.py` adds them."""


def commands(text: str, session: str, module: str) -> list[list[str]]:
    joined = text.replace("\\\n", " ")
    found = re.findall(rf"nox -s {session} -- ([^`|\n]+)|-m {module}(?: ([^`|\n]*))?", joined)
    return [shlex.split(first or second) for first, second in found if "--help" not in second]


@pytest.mark.parametrize("given", commands(BASELINE, "baseline", "stack.baseline"), ids=" ".join)
def test_every_command_of_the_guide_to_tuning_is_taken(given: list[str]) -> None:
    baseline_parser().parse_args(given)


@pytest.mark.parametrize("given", commands(LOADTEST, "loadtest", "loadtests"), ids=" ".join)
def test_every_command_of_the_guide_to_load_tests_is_taken(given: list[str]) -> None:
    _, others = loadtest_parser().parse_known_args(given)
    assert {one for one in others if one.startswith("--")} <= OBJECTIVES | OF_LOCUST


def test_every_option_that_is_named_alone_is_one() -> None:
    of_baseline = set(re.findall(r"--[a-z-]+", baseline_parser().format_help()))
    assert set(re.findall(r"`(--[a-z-]+)", BASELINE)) <= of_baseline
    of_loadtest = set(re.findall(r"--[a-z-]+", loadtest_parser().format_help()))
    assert set(re.findall(r"`(--[a-z-]+)", LOADTEST)) <= of_loadtest | OBJECTIVES


def test_the_defaults_of_the_objectives_are_those_of_the_code() -> None:
    rows = re.findall(
        r"^\| [^|]+ \| `(--[a-z-]+)`, `(LOADTEST_\w+)` \| ([\d.]+) \|$", LOADTEST, re.M
    )
    assert {option: float(default) for option, _, default in rows} == {
        "--within-ms": WITHIN_MS,
        "--within-ratio": WITHIN_RATIO,
        "--success-ratio": SUCCESS_RATIO,
    }
    for option, variable, _ in rows:
        assert variable == f"LOADTEST_{option[2:].upper().replace('-', '_')}"
    assert f"takes {Objectives().fewest_requests} requests for a ratio of {WITHIN_RATIO:g}" in (
        " ".join(LOADTEST.split())
    )


def test_the_statuses_are_those_of_the_code() -> None:
    for text in (BASELINE, LOADTEST):
        table = text.partition("| status | means |")[2].partition("\n\n")[0]
        assert re.findall(r"^\| (\d) \|", table, re.M) == ["0", "1", "2", "3"]
    assert re.findall(r"^\| 3 \| UNKNOWN", LOADTEST, re.M)
    assert int(Status.UNKNOWN) == 3


def test_the_journeys_are_as_often_as_the_code_says() -> None:
    (weights,) = [
        {
            ast.unparse(key): ast.literal_eval(value)
            for key, value in zip(node.value.keys, node.value.values, strict=True)
        }
        for node in ast.walk(ast.parse(JOURNEYS))
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.value, ast.Dict)
        and ast.unparse(node.target) == "tasks"
    ]
    rows = re.findall(
        r"^\| (\d+) \| ([a-z ]+) \|", LOADTEST.partition("| of 20 journeys |")[2], re.M
    )
    assert [int(number) for number, _ in rows] == list(weights.values())
    assert sum(weights.values()) == 20


def test_every_verdict_is_explained_and_no_other() -> None:
    rows = re.findall(r"^\| ([A-Z]+) \|", BASELINE, re.M)
    assert sorted(rows) == sorted(Verdict)


def test_the_limits_of_a_query_are_those_of_the_code() -> None:
    flat = " ".join(BASELINE.split())
    assert f"{POINTS_A_SERIES:,} points of a series and {SAMPLES_AN_ANSWER:,} samples" in flat
    assert f"more than {SAMPLES_A_RULE:,} samples" in flat


def test_every_file_that_a_run_keeps_is_named() -> None:
    code = Path(ROOT, "loadtests", "command.py").read_text(encoding="utf-8")
    for name in re.findall(r'folder / "(\w+\.\w+)"', code):
        assert f"`{name}`" in LOADTEST
    assert f"`{VERDICT}`" in LOADTEST
