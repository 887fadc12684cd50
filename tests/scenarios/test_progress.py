"""Without a terminal each phase is one line with its bound."""

from __future__ import annotations

import pytest

from scenarios import progress
from scenarios.progress import Progress, Row


def test_each_phase_is_one_line_with_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress.sys, "__stderr__", None)
    lines: list[str] = []
    with Progress(dict.fromkeys(["slow"]), lines.append) as shown:  # type: ignore[arg-type]  # only the names count
        report = shown.reporter("slow")
        report("waiting to fire", 9.0)
        report("done", 0.0)
    said = [line.split(maxsplit=2)[2].split() for line in lines]
    assert said == [["slow", "waiting", "to", "fire", "(bound", "9.0", "s)"], ["slow", "done"]]


def test_what_is_done_takes_no_more_time() -> None:
    assert Row(phase="repairing", since=1.0).elapsed(3.5) == "2.5 s"
    assert not Row(phase="done", since=1.0).elapsed(3.5)
    assert (Row(limit=9.0).bound, Row().bound) == ("9.0 s", "")
