"""Logs come up in order, end in order, and say what did not come up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from scenarios import nodes as module
from scenarios.logs import Logs
from scenarios.nodes import LogsFailed, set_up, ticks_of
from scenarios.shipper import Shipper
from stack.ports import Fixed
from stack.processes import Processes

BURN = """
import time
while time.process_time() < 0.3:
    pass
print(time.process_time(), flush=True)
time.sleep(60)
"""


class Ended:
    """A process that has ended with a status, or runs."""

    def __init__(self, status: int | None) -> None:
        self.status = status

    def wait(self, _timeout: float) -> int | None:
        return self.status

    def poll(self) -> int | None:
        return self.status


class Node:
    """A node that writes down what is done with it."""

    url = "http://127.0.0.1:9"
    pid = None

    def __init__(self, name: str, done: list[str]) -> None:
        self.name = name
        self.process = Ended(None)
        self._done = done

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self._done.append(f"{self.name} ends")

    def start(self) -> None:
        self._done.append(f"{self.name} starts")

    def wait_ready(self, _seconds: float) -> None:
        self._done.append(f"{self.name} is ready")


class Watched(Processes):
    """Processes of which none is started."""

    def __init__(self, done: list[str], status: int = 0) -> None:
        super().__init__()
        self._done = done
        self._status = status

    def start(self, name: str, *_: object, **__: object) -> subprocess.Popen[bytes]:  # type: ignore[override]  # what it is given does not matter
        self._done.append(f"{name} starts")
        return Ended(self._status)  # type: ignore[return-value]  # waited for, at the most

    def stop(self, *names: str, grace_seconds: float = 0.0) -> None:
        self._done.extend(f"{name} ends" for name in names)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    steps: list[str] = []
    monkeypatch.setattr(module, "set_up", lambda node: steps.append("template"))
    return steps


def opened(
    done: list[str],
    tmp_path: Path,
    running: ExitStack,
    status: int = 0,
    *,
    handed_over: Mapping[str, str] | None = None,
    takes_over: bool = True,
) -> Logs:
    logs = Logs(Watched(done, status), tmp_path, handed_over)
    logs.open(running, lambda _running, name, _folder: Node(name, done), takes_over=takes_over)
    return logs


def shipper_of(logs: Logs, service: str, tmp_path: Path, *, own_node: bool = False) -> Shipper:
    return logs.shipper(
        service=service,
        log_file=tmp_path / "app.log",
        own_node=own_node,
        place=Fixed("127.0.0.1", 1),
        directory=tmp_path,
        discovery=None,
    )


UP = ["elasticsearch starts", "elasticsearch is ready", "template"]


def test_a_shipper_starts_after_its_node_and_ends_before_it(
    done: list[str], tmp_path: Path
) -> None:
    with ExitStack() as running:
        logs = opened(done, tmp_path, running)
        logs.ship(shipper_of(logs, "a", tmp_path))
    assert done == [*UP, "shipper-a starts", "shipper-a ends", "elasticsearch ends"]


def test_a_node_starts_with_its_first_shipper_and_once(done: list[str], tmp_path: Path) -> None:
    with ExitStack() as running:
        logs = opened(done, tmp_path, running)
        first, second = (shipper_of(logs, name, tmp_path) for name in ("a", "b"))
        shipper_of(logs, "c", tmp_path, own_node=True)
        assert done == []
        logs.ship(first)
        logs.ship(second)
        assert done == [*UP, "shipper-a starts", "shipper-b starts"]


def test_two_that_ask_for_the_same_node_at_once_start_it_once_and_both_wait(
    done: list[str], tmp_path: Path
) -> None:
    with ExitStack() as running:
        logs = opened(done, tmp_path, running)
        shippers = [shipper_of(logs, name, tmp_path) for name in ("a", "b")]
        with ThreadPoolExecutor() as pool:
            list(pool.map(logs.ship, shippers))
        assert done[:3] == UP
        assert sorted(done[3:]) == ["shipper-a starts", "shipper-b starts"]


def test_a_node_of_a_drills_own_is_nobody_elses_while_it_is_drilled(
    done: list[str], tmp_path: Path
) -> None:
    with ExitStack() as running:
        logs = opened(done, tmp_path, running)
        own, other = shipper_of(logs, "a", tmp_path, own_node=True), shipper_of(logs, "b", tmp_path)
        logs.ship(own)
        logs.ship(other)
        assert (own.node.name, other.node.name) == ("elasticsearch-shipper-a", "elasticsearch")


def test_once_its_drill_is_over_it_is_that_of_all_others(done: list[str], tmp_path: Path) -> None:
    with ExitStack() as running:
        logs = opened(done, tmp_path, running)
        own, other = shipper_of(logs, "a", tmp_path, own_node=True), shipper_of(logs, "b", tmp_path)
        logs.ship(own)
        assert logs.nodes.shared_names == frozenset()
        logs.leave(own)
        logs.ship(other)
        assert other.node is own.node
        assert logs.nodes.shared_names == {"elasticsearch-shipper-a"}
    assert done[-3:] == ["shipper-a ends", "shipper-b ends", "elasticsearch-shipper-a ends"]


@pytest.mark.parametrize(("takes_over", "status"), [(True, 137), (False, None)])
def test_a_dead_one_is_not_nor_is_any_where_all_others_have_a_certain_one(
    done: list[str], tmp_path: Path, *, takes_over: bool, status: int | None
) -> None:
    with ExitStack() as running:
        logs = opened(done, tmp_path, running, takes_over=takes_over)
        own, other = shipper_of(logs, "a", tmp_path, own_node=True), shipper_of(logs, "b", tmp_path)
        logs.ship(own)
        own.node.process.status = status  # type: ignore[attr-defined]  # it is the double above
        logs.leave(own)
        logs.ship(other)
        assert other.node.name == "elasticsearch"


def test_what_did_not_come_up_is_said_to_everyone_who_ships_there(
    done: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_node: object) -> None:
        raise LogsFailed("the template was refused")

    monkeypatch.setattr(module, "set_up", refuse)
    with ExitStack() as running:
        logs = opened(done, tmp_path, running)
        for name in ("a", "b"):
            with pytest.raises(LogsFailed, match="elasticsearch did not come up: the template was"):
                logs.ship(shipper_of(logs, name, tmp_path))
        assert logs.nodes.shared_names == frozenset()
    assert not [step for step in done if step.startswith("shipper")]


def test_what_is_handed_over_is_shipped_at_once_to_the_node_of_all(
    done: list[str], tmp_path: Path
) -> None:
    with ExitStack() as running:
        logs = opened(
            done, tmp_path, running, handed_over={"hostile": "no JSON\n", "old": "older\n"}
        )
        assert logs.handed_over("hostile").log_file.read_text() == "no JSON\n"
        assert logs.handed_over("old").log_file.read_text() == "older\n"
        assert done == [*UP, "shipper-of-handed-over starts"]


def test_what_was_handed_over_and_could_not_be_shipped_is_said(
    done: list[str], tmp_path: Path
) -> None:
    with ExitStack() as running:
        logs = opened(done, tmp_path, running, status=1, handed_over={"hostile": ""})
        with pytest.raises(LogsFailed, match=r"ended with status 1; see .*shipper\.log"):
            logs.handed_over("hostile")


def test_a_setup_that_does_not_end_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("setup", 120.0)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(LogsFailed, match="no end within 120 s"):
        set_up(Node("elasticsearch", []))  # type: ignore[arg-type]  # it has an address, which is all that is used


def test_the_ticks_of_a_process_are_those_that_it_used_and_stay_when_it_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", BURN], stdout=subprocess.PIPE) as burning:
        assert burning.stdout
        ticks_per_second = os.sysconf("SC_CLK_TCK")
        used = float(burning.stdout.readline()) * ticks_per_second
        seen = ticks_of(burning.pid, otherwise=0)
        burning.kill()
    assert seen == pytest.approx(used, abs=0.05 * ticks_per_second)
    assert ticks_of(burning.pid, otherwise=seen) == seen
