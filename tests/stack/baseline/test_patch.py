"""A proposal changes one number, and nothing else of the rules file."""

from __future__ import annotations

import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest

from stack.baseline.candidates import Candidate
from stack.baseline.patch import Change, PatchError, as_patch, changes, number, with_changes
from stack.baseline.standing import Standing, Verdict
from stack.production import production_files
from stack.rules import load_rules

RULES = production_files().rules
TEXT = RULES.read_text()


def standing(alert: str, *, limit: float, becomes: float, threshold: str = "threshold:x:ratio"):
    return Standing(
        alert=alert,
        severity="HIGH",
        verdict=Verdict.NOISY,
        reason="",
        threshold=threshold,
        sign=">",
        limit=limit,
        firings=7,
        a_month=30.0,
        observed=timedelta(days=7),
        proposed=Candidate(limit=becomes, firings=0, a_month=0.0),
    )


def change(threshold: str, was: float, becomes: float) -> Change:
    return Change(threshold=threshold, was=was, becomes=becomes, why="because")


@pytest.mark.parametrize(
    "record",
    [
        one
        for one in load_rules(TEXT).recordings
        if one.constant is not None and "slo_error_budget" not in one.name
    ],
    ids=lambda one: one.name,
)
def test_every_shipped_threshold_can_be_changed_and_stays_the_only_change(record) -> None:
    becomes = record.constant * 1.5
    after = with_changes(TEXT, "alert-rules.yml", [change(record.name, record.constant, becomes)])
    changed = {one.name: one.constant for one in load_rules(after).recordings}
    assert changed[record.name] == becomes
    lines, before = after.splitlines(), TEXT.splitlines()
    assert len(lines) == len(before) + 1
    assert [
        line for line in before if line.lstrip().startswith("#") and "time-scale" not in line
    ] == [
        line
        for line in lines
        if line.lstrip().startswith("#") and "time-scale" not in line and "because" not in line
    ]


def test_a_number_that_means_time_changes_where_it_is_declared_too() -> None:
    wanted = [change("threshold:backup_age:seconds", 86400, 90000)]
    after = with_changes(TEXT, "alert-rules.yml", wanted)
    assert "# time-scale: 90000 seconds fixed" in after
    assert "expr: vector(90000)" in after


def test_the_patch_is_one_that_git_applies(tmp_path: Path) -> None:
    (tmp_path / "stack").mkdir()
    rules = tmp_path / "stack" / "alert-rules.yml"
    rules.write_text(TEXT)
    wanted = [
        change("threshold:failed_requests:ratio", 0.05, 0.08),
        change("threshold:memory_high:percent", 80, 90),
    ]
    after = with_changes(TEXT, "alert-rules.yml", wanted)
    patch = tmp_path / "thresholds.patch"
    patch.write_text(as_patch(TEXT, after, Path("stack/alert-rules.yml")))
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "thresholds.patch"], cwd=tmp_path, check=True)
    assert rules.read_text() == after
    added = [line for line in patch.read_text().splitlines() if line.startswith("+ ")]
    assert [line[1:].strip() for line in added] == [
        "# because",
        "expr: vector(0.08)",
        "# because",
        "expr: vector(90)",
    ]


def test_the_comment_says_what_was_seen_and_what_it_brings() -> None:
    (one,) = changes([standing("A", limit=0.05, becomes=0.08)], until=date(2026, 11, 29))
    assert one.why == (
        "0.08: by what was seen from 2026-11-22 to 2026-11-29 (7 d), "
        "0.0 A a month where 0.05 gave 30.0."
    )


def test_of_two_proposals_for_one_threshold_the_quieter_one_counts() -> None:
    found = changes(
        [
            standing("A", limit=0.05, becomes=0.08),
            standing("B", limit=0.05, becomes=0.1),
            standing("C", limit=0.05, becomes=0.06),
        ],
        until=date(2026, 11, 29),
    )
    assert [one.becomes for one in found] == [0.1]


def test_a_record_that_is_not_on_one_line_is_left_to_a_person() -> None:
    text = (
        "groups:\n  - name: g\n    rules:\n      - record: threshold:x:ratio\n"
        "        expr: |\n          vector(0.05)\n"
    )
    with pytest.raises(PatchError, match=r"r.yml:5: .*by hand"):
        with_changes(text, "r.yml", [change("threshold:x:ratio", 0.05, 0.08)])


def test_a_threshold_that_is_not_there_is_named() -> None:
    with pytest.raises(PatchError, match="no rule records threshold:z:ratio"):
        with_changes(TEXT, "r.yml", [change("threshold:z:ratio", 1, 2)])


@pytest.mark.parametrize(("value", "text"), [(1500.0, "1500"), (0.08, "0.08"), (1.5, "1.5")])
def test_numbers_are_written_as_people_do(value: float, text: str) -> None:
    assert number(value) == text
