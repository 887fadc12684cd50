"""Whole game days as people hold them: as declared, stopped by a limit or a key, facilitated."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scenarios.gameday.exits import Exit
from scenarios.gameday.stop import STOP_SECONDS
from stack.waiting import wait_until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
LONG_SECONDS = 200.0  # a game day of one drill takes about 40 s on a machine that is its own


class GameDay:
    """A game day in a process of its own, whose output is read as it comes."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path, reports: Path) -> None:
        self.process = process
        self._output = output
        self._reports = reports

    @property
    def said(self) -> str:
        return self._output.read_text(errors="replace")

    def says(self, pattern: str) -> None:
        def said() -> bool:
            assert self.process.poll() is None, self.said
            return bool(re.search(pattern, self.said))

        wait_until(said, what=pattern, timeout_seconds=LONG_SECONDS, interval_seconds=0.1)

    def types(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def ends(self) -> Exit:
        return Exit(self.process.wait(LONG_SECONDS))

    @property
    def report(self) -> dict[str, Any]:
        (path,) = self._reports.glob("gameday/*/report.json")
        assert path.with_suffix(".md").read_text().startswith("# Game day gd-")
        return json.loads(path.read_text())


@contextmanager
def gameday(folder: Path, *arguments: str, keyboard: int = subprocess.PIPE) -> Iterator[GameDay]:
    output = folder / "output.txt"
    command = [*(sys.executable, "-m", "scenarios.gameday"), *arguments]
    with output.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--reports", str(folder / "reports")],
            stdin=keyboard,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
        )
    try:
        yield GameDay(process, output, folder / "reports")
    finally:
        process.kill()
        process.wait()


def at(events: list[dict[str, Any]], kind: str) -> float:
    return next(one["at"] for one in events if one["kind"] == kind)


def test_a_game_day_as_declared(tmp_path: Path) -> None:
    with gameday(tmp_path, "--scenario", "SlowResponseTime", "--share", "0.1", "--yes") as day:
        assert day.ends() is Exit.AS_DECLARED, day.said
    report = day.report
    (drill,) = report["drills"]
    assert drill["impact"]["faulted"] <= 0.1 * drill["impact"]["answers"] + 4
    headlines = [one["detail"]["headline"] for one in drill["events"] if one["kind"] == "delivered"]
    assert headlines
    assert all(f"DRILL {report['run']}: " in one for one in headlines)


def test_a_stop_condition_ends_the_fault_within_a_second(tmp_path: Path) -> None:
    asked = ["--scenario", "HighErrorRate", "--stop-error-ratio", "0.3", "--hold", "60", "--yes"]
    with gameday(tmp_path, *asked) as day:
        assert day.ends() is Exit.STOPPED, day.said
    report = day.report
    (drill,) = report["drills"]
    assert re.fullmatch(
        r"\d+% of HighErrorRate's answers are errors, more than 30%", report["stopped"]
    )
    assert at(drill["events"], "injected") < at(drill["events"], "stopped")
    assert at(drill["events"], "repaired") - at(drill["events"], "stopped") < STOP_SECONDS
    by_claim = {one["claim"]: one["status"] for one in drill["verdicts"]}
    assert by_claim["HighErrorRate: the fault is gone once it is stopped"] == "PASS"


def test_a_key_ends_the_fault_within_a_second(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    asked = ["--scenario", "SoftFactoryDown-frozen", "--hold", "30"]
    with gameday(tmp_path, *asked, keyboard=theirs) as day:
        os.close(theirs)
        day.says("Go on")
        os.write(ours, b"y\n")
        day.says("waiting to fire")
        os.write(ours, b"q")
        assert day.ends() is Exit.STOPPED, day.said
    os.close(ours)
    (drill,) = day.report["drills"]
    assert day.report["stopped"] == "somebody pressed a key"
    assert at(drill["events"], "repaired") - at(drill["events"], "stopped") < STOP_SECONDS


def test_a_facilitated_game_day_times_its_responder(tmp_path: Path) -> None:
    asked = ["--facilitator", "--scenario", "HighErrorRate", "--time-scale", "60", "--yes"]
    with gameday(tmp_path, *asked) as day:
        day.says(r"\[FIRING\] DRILL gd-\S+: HIGH HighErrorRate on incident-1")
        day.types("ack")
        day.types("runbook higherror")
        day.types("the database is slow")
        day.types("HighErrorRate")
        day.types("mitigate rolled back")
        assert day.ends() is Exit.AS_DECLARED, day.said
    said = day.said
    for hidden in ("50% of requests", "Error(", "waiting to fire"):
        assert hidden not in said.partition("the fault is being ended")[0]
    (drill,) = day.report["drills"]
    times = drill["times"]
    assert 0 < times["detected"] <= times["notified"] < times["acknowledged"]
    assert times["acknowledged"] <= times["diagnosed"] <= times["mitigated"]
    repaired = at(drill["events"], "repaired") - at(drill["events"], "witnessed")
    assert times["mitigated"] <= repaired < times["mitigated"] + STOP_SECONDS
    assert [(one["word"], one["right"]) for one in drill["said"]] == [
        *(("ack", False), ("guess", False), ("guess", True), ("mitigate", False)),
    ]
