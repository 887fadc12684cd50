"""Shippers start after their nodes and end before them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from scenarios import nodes as module
from scenarios.catalogue import drills
from scenarios.estimates import about_seconds
from scenarios.gameday.programme import planned
from scenarios.handed_over import SHIPS_WHOLE
from scenarios.logs import LAST, Logs
from scenarios.settings import Settings
from scenarios.shipper import Shipper
from stack.ports import Fixed
from tests.scenarios.log_parts import Node, Watched

UP = ["elasticsearch starts", "elasticsearch is ready", "template"]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    steps: list[str] = []
    monkeypatch.setattr(module, "set_up", lambda node: steps.append("template"))
    return steps


def opened(
    done: list[str],
    tmp_path: Path,
    running: ExitStack,
    *,
    handed_over: Mapping[str, str] | None = None,
) -> Logs:
    logs = Logs(Watched(done), tmp_path, handed_over)
    logs.nodes.open(running, lambda _running, name, _folder: Node(name, done), takes_over=True)
    running.callback(logs.stop_shippers)
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


def test_a_shipper_starts_after_its_node_and_ends_before_it(
    done: list[str], tmp_path: Path
) -> None:
    with ExitStack() as running:
        logs = opened(done, tmp_path, running)
        logs.ship(shipper_of(logs, "a", tmp_path))
    assert done == [*UP, "shipper-a starts", "shipper-a ends", "elasticsearch ends"]


def test_one_that_never_shipped_is_left_alone(done: list[str], tmp_path: Path) -> None:
    with ExitStack() as running:
        shipper_of(opened(done, tmp_path, running), "a", tmp_path)
    assert done == []


def test_several_ship_to_the_node_of_all_but_who_has_one(done: list[str], tmp_path: Path) -> None:
    with ExitStack() as running:
        logs = opened(done, tmp_path, running)
        first, second = (shipper_of(logs, name, tmp_path) for name in ("a", "b"))
        own = shipper_of(logs, "c", tmp_path, own_node=True)
        for one in (first, second, own):
            logs.ship(one)
        assert first.node is second.node
        assert own.node.name == "elasticsearch-c"


def test_the_node_of_a_drill_that_is_over_takes_the_others_logs(
    done: list[str], tmp_path: Path
) -> None:
    with ExitStack() as running:
        logs = opened(done, tmp_path, running)
        own, other = shipper_of(logs, "a", tmp_path, own_node=True), shipper_of(logs, "b", tmp_path)
        logs.ship(own)
        logs.leave(own)
        logs.ship(other)
        logs.leave(other)
        assert other.node is own.node
    assert done[-3:] == ["shipper-a ends", "shipper-b ends", "elasticsearch-a ends"]


def test_what_is_handed_over_is_shipped_to_the_node_of_all_and_ended_before_it(
    done: list[str], tmp_path: Path
) -> None:
    with ExitStack() as running:
        logs = opened(done, tmp_path, running, handed_over={"hostile": "no JSON\n"})
        assert logs.handed_over("hostile").log_file.read_text() == "no JSON\n"
    assert done == [*UP, f"{SHIPS_WHOLE} starts", f"{SHIPS_WHOLE} ends", "elasticsearch ends"]


def test_what_is_shipped_last_comes_after_every_drill() -> None:
    assert min(map(about_seconds, planned(Settings(), drills()).values())) > LAST
