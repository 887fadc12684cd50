"""Each node has 1 GB of heap or more."""

from __future__ import annotations

from scenarios.deployment.heap import Heap, judge_heaps
from scenarios.deployment.seen import Missing
from scenarios.verdict import Status


def heap(megabytes: int, node: str = "a") -> Heap:
    return Heap(node=node, most_bytes=megabytes << 20)


def test_a_gigabyte_on_each_passes() -> None:
    assert judge_heaps((heap(1024), heap(4096, "b"))).status is Status.PASS


def test_one_small_node_fails_and_is_named() -> None:
    found = judge_heaps((heap(1024), heap(512, "b")))
    assert (found.status, found.observed) == (Status.FAIL, "b has 0.54 GB")


def test_no_node_and_no_answer_are_no_pass() -> None:
    assert judge_heaps(()).status is Status.UNKNOWN
    assert judge_heaps(Missing(why="refused")).status is Status.UNKNOWN
