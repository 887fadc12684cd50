"""Nodes come up when they are asked for, serve whom they may, and say what did not come up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from scenarios import nodes as module
from scenarios.nodes import LogsFailed, Nodes, set_up, ticks_of
from tests.scenarios.log_parts import Node

BURN = """
import time
while time.process_time() < 0.3:
    pass
print(time.process_time(), flush=True)
time.sleep(60)
"""


UP = ["elasticsearch starts", "elasticsearch is ready", "template"]

Opened = Callable[..., Nodes]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    steps: list[str] = []
    monkeypatch.setattr(module, "set_up", lambda node: steps.append("template"))
    return steps


@pytest.fixture
def opened(done: list[str], tmp_path: Path) -> Iterator[Opened]:
    with ExitStack() as running:

        def open_(*, takes_over: bool = True) -> Nodes:
            nodes = Nodes(tmp_path)
            nodes.open(
                running, lambda _running, name, _folder: Node(name, done), takes_over=takes_over
            )
            return nodes

        yield open_


def test_the_node_of_all_starts_when_it_is_asked_for_and_once(
    opened: Opened, done: list[str]
) -> None:
    nodes = opened()
    assert done == []
    assert nodes.shared_name is None
    assert nodes.shared() is nodes.shared()
    assert done == UP
    assert nodes.shared_name == "elasticsearch"


def test_two_that_ask_for_it_at_once_start_it_once_and_both_wait(
    opened: Opened, done: list[str]
) -> None:
    nodes = opened()
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda _: nodes.shared(), range(2))
    assert first is second
    assert done == UP


def test_a_node_of_a_drills_own_is_nobody_elses_while_it_is_drilled(opened: Opened) -> None:
    nodes = opened()
    assert nodes.own("A").name == "elasticsearch-A"
    assert nodes.shared().name == "elasticsearch"


def test_once_its_drill_is_over_it_is_that_of_all_others(opened: Opened, done: list[str]) -> None:
    nodes = opened()
    own = nodes.own("A")
    nodes.leave(own)
    assert nodes.shared() is own
    assert nodes.shared_name == "elasticsearch-A"
    assert done.count("template") == 1


def test_one_that_is_not_well_is_not(opened: Opened) -> None:
    nodes = opened()
    own: Any = nodes.own("A")
    own.well = False
    nodes.leave(own)
    assert nodes.shared().name == "elasticsearch"


def test_none_is_where_all_others_have_a_certain_one(opened: Opened) -> None:
    nodes = opened(takes_over=False)
    nodes.leave(nodes.own("A"))
    assert nodes.shared().name == "elasticsearch"


def test_what_did_not_come_up_is_said_to_everyone_who_asks(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_node: object) -> None:
        raise LogsFailed("the template was refused")

    monkeypatch.setattr(module, "set_up", refuse)
    nodes = opened()
    for _ in range(2):
        with pytest.raises(LogsFailed, match="elasticsearch did not come up: the template was"):
            nodes.shared()
    assert nodes.shared_name is None


def test_a_log_that_is_shipped_where_no_node_was_looked_for_is_said(tmp_path: Path) -> None:
    with pytest.raises(LogsFailed, match="no Elasticsearch was looked for"):
        Nodes(tmp_path).shared()


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
