"""The built wheel drills from a project of one's own, which has a folder called ``checks`` too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.integration

APP = """
from flask import Flask

app = Flask(__name__)


@app.get("/")
def start():
    return "hello"
"""
BLOCK = """
[tool.alertproof]
app = "hello:app"

[tool.pytest.ini_options]
addopts = "--this-is-for-the-project-s-own-tests-alone"
"""


def run(*command: str | Path, cwd: Path) -> str:
    # As in a shell of the project's: nothing of this clone is on the path.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-6000:]
    return said


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A virtual environment with the wheel, which borrows only what the toolkit depends on."""
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("alertproof-*.whl")
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", venv, cwd=tmp_path)
    python = venv / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    (site,) = venv.glob("lib/python*/site-packages")
    # Not this clone's own path: a folder that is added so has no .pth of its own read.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = "import scenarios, stack; print(scenarios.__file__, stack.__file__)"
    assert str(ROOT) not in run(python, "-c", where, cwd=tmp_path)
    return venv / "bin"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project, but for an application and checks of its own."""
    folder = tmp_path / "project"
    (folder / "checks").mkdir(parents=True)
    (folder / "checks" / "test_own.py").write_text("def test_own():\n    raise AssertionError\n")
    (folder / "hello.py").write_text(APP)
    (folder / "pyproject.toml").write_text(BLOCK)
    return folder


def test_one_alert_is_drilled_from_the_wheel_alone(installed: Path, project: Path) -> None:
    said = run(
        installed / "alertproof", "verify", "-k", "alerts and HighErrorRate and not below",
        cwd=project,
    )  # fmt: skip
    evidence = json.loads((project / "reports" / "evidence.json").read_text())
    assert evidence["app"] == "hello:app"
    assert evidence["drills"]["HighErrorRate"]["verdict"] == "PASS", said[-4000:]


def test_pytest_collects_the_packaged_checklist_by_its_name(installed: Path, project: Path) -> None:
    listed = run(
        *(installed / "python", "-m", "pytest", "-p", "scenarios.plugin", "-p", "no:locust"),
        *("-o", "addopts=", "--import-mode=importlib", "--pyargs", "alertproof_checks"),
        *("--collect-only", "-q", "-k", "SlowResponseTime and fires"),
        cwd=project,
    )
    assert "test_fires[SlowResponseTime]" in listed
    assert "test_own" not in listed


def test_init_and_explain_are_there_too(installed: Path, project: Path) -> None:
    assert "must rise over 5m" in run(installed / "alertproof", "explain", "HighErrorRate",
                                      cwd=project)  # fmt: skip
    (project / "pyproject.toml").unlink()
    said = run(installed / "alertproof", "init", "--app", "hello:app", cwd=project)
    assert "wrote [tool.alertproof]" in said
    assert (project / "locustfile.py").exists()
