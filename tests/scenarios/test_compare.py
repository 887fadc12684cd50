"""Two runs are told apart by their verdicts, and a claim that one lacks is a difference."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from scenarios.compare import ANOTHER, UNREADABLE, main
from scenarios.report import SCHEMA

Verdicts = Mapping[str, Mapping[str, str]]
ALL_PASS = {"Slow": {"fires": "PASS", "resolves": "PASS"}, "Down": {"fires": "PASS"}}


def evidence(path: Path, verdicts: Verdicts, *, stack: str = "embedded", left_out: str = "") -> str:
    document = {
        "schema": SCHEMA,
        "stack": stack,
        "time_scale": 60.0,
        "drills": {
            drill: {"claims": [{"claim": claim, "status": one} for claim, one in claims.items()]}
            for drill, claims in verdicts.items()
        },
        "not_applicable": [
            {"test": f"checks/alerts/test_fires.py::test_fires[{left_out}]", "reason": "none"}
        ],
    }
    path.write_text(json.dumps(document))
    return str(path)


def compared(tmp_path: Path, first: Verdicts, second: Verdicts, *more: str, out: str = "") -> int:
    return main(
        [
            evidence(tmp_path / "1.json", first, left_out=out),
            evidence(tmp_path / "2.json", second, stack="containers"),
            *more,
        ]
    )


def test_equal_verdicts_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(tmp_path, ALL_PASS, ALL_PASS) == 0
    assert "2 drills with 3 claims in both, no differing" in capsys.readouterr().out


def test_another_verdict_is_told_with_its_claim(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {**ALL_PASS, "Slow": {"fires": "PASS", "resolves": "UNKNOWN"}}
    assert compared(tmp_path, ALL_PASS, other) == ANOTHER
    line, _ = capsys.readouterr().out.splitlines()
    assert line.split() == ["Slow", "PASS", "UNKNOWN", "resolves"]


def test_a_claim_that_one_lacks_is_a_difference_unless_its_drill_does_not_apply(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fewer = {"Slow": {"fires": "PASS"}}
    assert compared(tmp_path, fewer, ALL_PASS, out="Down") == ANOTHER
    told = capsys.readouterr().out
    assert "absent" in told
    assert "NOT APPLICABLE in embedded, time scale 60: Down" in told
    assert compared(tmp_path, {"Slow": ALL_PASS["Slow"]}, ALL_PASS, out="Down") == 0
    assert compared(tmp_path, {"Slow": ALL_PASS["Slow"]}, ALL_PASS) == ANOTHER
    assert compared(tmp_path, {"Slow": ALL_PASS["Slow"]}, ALL_PASS, "--common") == 0


def test_nothing_in_common_is_no_agreement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compared(tmp_path, {}, ALL_PASS) == UNREADABLE
    assert "no claim in common" in capsys.readouterr().err


def test_what_is_no_evidence_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.json"
    other.write_text("[]")
    assert main([str(other), evidence(tmp_path / "2.json", ALL_PASS)]) == UNREADABLE
    assert main([str(tmp_path / "none.json"), str(other)]) == UNREADABLE
    other.write_bytes(b"\xff\xfe")
    assert main([str(other), str(other)]) == UNREADABLE
    other.write_text(json.dumps({"schema": SCHEMA - 1}))
    assert main([str(other), str(other)]) == UNREADABLE
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        *("compare", "compare", "compare", "compare"),
    ]
