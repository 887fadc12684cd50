"""A run that is killed leaves no process and hinders no later one; two may run at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from stack.waiting import wait_until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
GONE_SECONDS = 5.0


def start(reports: Path, selection: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", str(ROOT / "checks"), "-k", selection),
            f"--reports={reports}",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_kill_9_of_pytest_leaves_no_process_even_a_frozen_one(tmp_path: Path) -> None:
    run = start(tmp_path, "SoftFactoryDown-frozen")
    assert run.stdout is not None
    for line in run.stdout:
        if "waiting to fire" in line:
            break
    children = psutil.Process(run.pid).children(recursive=True)
    names = {" ".join(child.cmdline()) for child in children}
    assert any("prometheus" in name for name in names)
    assert any(child.status() == psutil.STATUS_STOPPED for child in children)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()

    def left() -> bool:
        return not [child for child in children if child.is_running()]

    wait_until(left, what="every process of the run to end", timeout_seconds=GONE_SECONDS)

    after = start(tmp_path, "DatabaseUnhealthy")
    output, _ = after.communicate(timeout=120)
    assert after.returncode == 0, output


def test_two_runs_at_the_same_time_both_pass(tmp_path: Path) -> None:
    selection = "SlowResponseTime or SoftFactoryDown-killed or CriticalMemoryUsage"
    both = [start(tmp_path / name, selection) for name in ("one", "other")]
    for run in both:
        output, _ = run.communicate(timeout=180)
        assert run.returncode == 0, output
