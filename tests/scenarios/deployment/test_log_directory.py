"""The log is written by its owner and closed to others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scenarios.deployment.log_directory import Entry, judge_log_folder, log_folder
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import DeploymentTarget
from scenarios.verdict import Status, Verdict
from tests.scenarios.deployment.house import visit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    logs = tmp_path / "logs"
    logs.mkdir()
    logs.chmod(0o750)
    (logs / "app.log").touch()
    (logs / "app.log").chmod(0o640)
    return logs


def judged(folder: Path) -> Verdict:
    return judge_log_folder(log_folder(visit(DeploymentTarget(log_directory=folder))), folder)


def test_what_the_service_makes_passes(folder: Path) -> None:
    found = judged(folder)
    assert (found.status, found.observed) == (Status.PASS, "mode 750, 1 files closed to others")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda logs: logs.chmod(0o755), "logs has mode 755"),
        (lambda logs: logs.chmod(0o550), "its owner can't write into it"),
        (lambda logs: (logs / "app.log").chmod(0o644), "app.log has mode 644"),
    ],
)
def test_what_is_open_or_cannot_be_written_fails(
    folder: Path, spoil: Callable[[Path], None], says: str
) -> None:
    spoil(folder)
    found = judged(folder)
    assert found.status is Status.FAIL
    assert says in found.observed


def test_a_folder_that_is_none_or_not_there_fails(folder: Path) -> None:
    assert judged(folder / "none").status is Status.FAIL
    assert "is no folder" in judged(folder / "app.log").observed


def test_a_file_that_the_folders_owner_cannot_go_on_writing_fails(tmp_path: Path) -> None:
    own = Entry(path=tmp_path, mode=0o750, user=1000, is_folder=True)
    roots = Entry(path=tmp_path / "app.log", mode=0o640, user=0, is_folder=False)
    found = judge_log_folder((own, roots), tmp_path)
    assert found.status is Status.FAIL
    assert "app.log is user 0's, and the folder user 1000's" in found.observed


def test_what_was_not_seen_is_not_known(tmp_path: Path) -> None:
    assert judge_log_folder(Missing(why="no"), tmp_path).status is Status.UNKNOWN
