"""Drills pass on real engines that they did not start, and leave nothing of either behind."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stack.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
DRILL_SECONDS, END_SECONDS = 240.0, 10.0


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "stack.external", *arguments]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("engine", "time_scale", "named"),
    [("victoriametrics", "20", "VictoriaMetrics"), ("prometheus", "60", "Prometheus 3")],
)
def test_an_alert_is_drilled_on_an_engine_that_the_run_did_not_start(
    tmp_path: Path, engine: str, time_scale: str, named: str
) -> None:
    done = subprocess.run(
        [
            *command("drill", f"--engine={engine}", f"--time-scale={time_scale}", "--"),
            *("checks/alerts", "checks/external", f"--reports={tmp_path}"),
            *("-k", "[HighErrorRate] or external"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DRILL_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    evidence = json.loads((tmp_path / "evidence.json").read_text())
    assert evidence["stack"] == "external"
    assert evidence["external"]["engine"].startswith(named)
    assert evidence["drills"]["HighErrorRate"]["verdict"] == "PASS"


@pytest.fixture
def up() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """An engine that stays, and what it says."""
    with subprocess.Popen(
        command("up"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as owner:
        assert owner.stdout is not None
        said = []
        for line in owner.stdout:
            said.append(line)
            if "until Ctrl-C" in line:
                break
        try:
            yield owner, "".join(said)
        finally:
            owner.send_signal(signal.SIGINT)


@pytest.mark.integration
def test_a_stack_is_looked_at_and_then_nothing_of_it_outlives_its_owner_s_sudden_end(
    up: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    owner, said = up
    urls = re.findall(r"--(?:prometheus|rules|alertmanager)-url=http://127\.0\.0\.1:\d+", said)
    assert len(urls) == 3, said
    looked = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "checks/external", "--stack=external", *urls),
            f"--reports={tmp_path}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DRILL_SECONDS,
        check=False,
    )
    # Nothing is drilled: an engine that has no rules and scrapes nothing is not known to be well.
    assert looked.returncode == pytest.ExitCode.TESTS_FAILED, looked.stdout + looked.stderr
    for claim in ("every rule is evaluated", "every target answers its scrapes"):
        assert f"UNKNOWN  {claim}" in looked.stdout
    assert "2 failed, 1 passed" in looked.stdout
    children = psutil.Process(owner.pid).children(recursive=True)
    assert {"victoria-metrics", "vmalert"} <= {child.name() for child in children}
    owner.send_signal(signal.SIGKILL)
    wait_until(
        lambda: not [one for one in children if _lives(one)] or None,
        what="the engine to end with whoever started it",
        timeout_seconds=END_SECONDS,
    )


@pytest.mark.integration
def test_whoever_starts_an_engine_is_shown_the_commands(tmp_path: Path) -> None:
    shown = subprocess.run(
        command("show", str(tmp_path), "--time-scale=20"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DRILL_SECONDS,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    for part in ("victoria-metrics", "vmalert", "alertmanager"):
        assert part in shown.stdout
    assert "-evaluationInterval=750ms" in shown.stdout
    assert f"-rule={tmp_path}/alert-rules.yml" in shown.stdout
