"""Large runs take turns, small ones share, and a killed run gives its turn back."""

from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path

import pytest

from scenarios import admission
from scenarios.admission import admitted
from stack.launch.starting import LaunchError
from stack.waiting import WaitTimeout


def enter(lock: Path, drills: int, said: list[str], time_scale: float = 60) -> None:
    with admitted(drills, time_scale, lock=lock, cores=2, say=said.append):
        pass


def hold(path: str, ready: object) -> None:
    with admitted(16, 60, lock=Path(path), cores=2, say=print):
        ready.set()  # type: ignore[attr-defined]  # a multiprocessing event
        threading.Event().wait()


def test_where_no_lock_can_be_made_one_line_says_what_to_name(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()  # as good as a home that is read-only
    with pytest.raises(LaunchError, match="ALERTPROOF_CACHE=FOLDER") as refused:
        enter(tmp_path / "cache" / "lock", 16, [])
    assert "\n" not in str(refused.value)


def test_a_large_run_waits_for_another_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, said = tmp_path / "lock", list[str]()
    monkeypatch.setattr(admission, "WAIT_SECONDS", 0.2)
    with admitted(16, 60, lock=lock, cores=2, say=said.append):
        with pytest.raises(WaitTimeout, match="the other run to end"):
            enter(lock, 16, said)
        with pytest.raises(WaitTimeout):
            enter(lock, 1, said)
    assert "waiting for it to end" in said[0]
    enter(lock, 16, said)


def test_small_runs_share_and_real_time_runs_wait_for_nobody(tmp_path: Path) -> None:
    lock, said = tmp_path / "lock", list[str]()
    with admitted(3, 60, lock=lock, cores=2, say=said.append):
        enter(lock, 3, said)
        enter(lock, 16, said, time_scale=1)
    assert said == []


def test_a_killed_run_gives_its_turn_back(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    other = context.Process(target=hold, args=(str(tmp_path / "lock"), ready))
    other.start()
    assert ready.wait(30)
    other.kill()
    other.join()
    said: list[str] = []
    enter(tmp_path / "lock", 16, said)
    assert said == []
