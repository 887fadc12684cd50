"""What checks hand over is shipped whole, by one process, or it is said why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scenarios.handed_over import SHIPS_WHOLE, HandedOver, ship_whole
from scenarios.nodes import LogsFailed
from tests.scenarios.log_parts import Node, Watched

TEXTS = {"hostile": "no JSON\n", "old": "older\n"}


def ship(tmp_path: Path, done: list[str], status: int = 0) -> dict[str, HandedOver]:
    node: Any = Node("elasticsearch", done)
    return ship_whole(TEXTS, node, tmp_path, Watched(done, status))


def test_all_is_written_and_shipped_by_one_process(tmp_path: Path) -> None:
    done: list[str] = []
    shipped = ship(tmp_path, done)
    assert {name: one.log_file.read_text() for name, one in shipped.items()} == TEXTS
    assert done == [f"{SHIPS_WHOLE} starts"]


def test_each_has_a_folder_and_dead_letters_of_its_own(tmp_path: Path) -> None:
    first, second = ship(tmp_path, []).values()
    assert first.log_file.parent != second.log_file.parent
    assert first.directory != second.directory


def test_what_could_not_be_shipped_is_said(tmp_path: Path) -> None:
    with pytest.raises(LogsFailed, match=r"ended with status 1; see .*shipper\.log"):
        ship(tmp_path, [], status=1)


def test_what_does_not_end_is_ended_and_said(tmp_path: Path) -> None:
    done: list[str] = []
    with pytest.raises(LogsFailed, match=r"no end within 300 s; see .*shipper\.log"):
        ship(tmp_path, done, status=-1)
    assert done == [f"{SHIPS_WHOLE} starts", f"{SHIPS_WHOLE} ends"]
