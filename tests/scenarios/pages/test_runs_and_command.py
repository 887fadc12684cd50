"""Runs are kept beside each other, and the page is made again from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from scenarios.pages import written_beside
from scenarios.pages.command import main, write_page
from scenarios.pages.runs import FOLDER, KEPT, before, keep
from tests.scenarios.pages.written import evidence, run

ROOT = Path(__file__).resolve().parents[3]


def at(days: int) -> str:
    first = datetime.fromisoformat("2026-11-01T00:00:00+00:00")
    return (first + timedelta(days=days)).isoformat()


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    (tmp_path / "evidence.json").write_text(json.dumps(evidence()))
    return tmp_path


def test_a_run_that_was_kept_is_found_by_the_next_and_not_by_itself(tmp_path: Path) -> None:
    first, second = run(written_at=at(1)), run(written_at=at(2))
    keep(tmp_path, first)
    keep(tmp_path, second)
    assert [one.at for one in before(tmp_path, second).runs] == [first.written_at]
    assert before(tmp_path, first).runs == ()


def test_runs_of_another_kind_are_not_compared(tmp_path: Path) -> None:
    keep(tmp_path, run(written_at=at(1), time_scale=1.0))
    keep(tmp_path, run(written_at=at(1), stack="containers"))
    keep(tmp_path, run(written_at=at(1), app="shop:app"))
    assert before(tmp_path, run(written_at=at(2))).runs == ()


def test_the_oldest_runs_are_removed(tmp_path: Path) -> None:
    for day in range(KEPT + 3):
        keep(tmp_path, run(written_at=at(day)))
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == KEPT
    assert kept[0].name.startswith("2026-11-04")


def test_a_kept_run_is_small(tmp_path: Path) -> None:
    drills = {
        f"A-{number}": one
        for number in range(80)
        for one in [evidence()["drills"]["SlowResponseTime"]]
    }
    path = keep(tmp_path, run(drills=drills, drilled_again={}))
    assert path.stat().st_size < 10_000


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 7}', "\xff"])
def test_a_kept_run_that_cannot_be_read_is_named_and_stops_nothing(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "2026-01-01T000000Z-1.json").write_bytes(text.encode("latin-1"))
    past = before(tmp_path, run())
    assert past.runs == ()
    assert "2026-01-01T000000Z-1.json" in past.unreadable[0]


def test_a_run_that_has_ended_leaves_a_page_and_is_kept(reports: Path) -> None:
    assert written_beside(reports / "evidence.json") == f"report: {reports / 'index.html'}"
    assert "Of 9 claims" in (reports / "index.html").read_text()
    assert len(list((reports / FOLDER).iterdir())) == 1


def test_a_page_that_is_made_again_counts_no_run_twice(reports: Path) -> None:
    written_beside(reports / "evidence.json")
    first = (reports / "index.html").read_text()
    write_page(reports / "evidence.json")
    assert (reports / "index.html").read_text() == first
    assert len(list((reports / FOLDER).iterdir())) == 1


def test_a_page_that_cannot_be_written_says_so_in_one_line_and_spares_the_evidence(
    reports: Path,
) -> None:
    (reports / "index.html").mkdir()
    whole = (reports / "evidence.json").read_bytes()
    said = written_beside(reports / "evidence.json")
    assert said.startswith("report: not written, ")
    assert "\n" not in said
    assert (reports / "evidence.json").read_bytes() == whole


def test_rules_and_runbooks_of_this_clone_are_linked_from_where_the_page_is(reports: Path) -> None:
    page = write_page(reports / "evidence.json").read_text()
    assert 'stack/alert-rules.yml">stack/alert-rules.yml:252</a>' in page
    assert 'docs/runbooks/SlowResponseTime.md">' in page


def test_the_page_goes_where_it_is_asked_for(reports: Path, tmp_path: Path) -> None:
    assert main([str(reports), "-o", str(tmp_path / "run.html")]) == 0
    assert (tmp_path / "run.html").exists()
    assert not (reports / "index.html").exists()


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scenarios.pages", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_help_teaches_with_examples() -> None:
    done = command("--help")
    assert done.returncode == 0
    assert "python -m scenarios.pages ~/downloads/reports" in done.stdout
    assert "exit status" in done.stdout


@pytest.mark.parametrize("text", [None, "{", '{"schema": 99}'])
def test_what_is_no_evidence_ends_in_one_line(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "evidence.json").write_text(text)
    done = command(str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("no report: ")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "index.html").exists()
