"""Work beside the drills is done once, and tells how it went to whoever asks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from scenarios.beside import Beside


def test_of_many_who_run_it_one_does_the_work_and_all_get_the_outcome() -> None:
    done: list[int] = []
    begun = threading.Barrier(8)

    def work() -> str:
        done.append(1)
        return "outcome"

    one = Beside(work, seconds=1, weight=1)

    def run_and_ask() -> str:
        begun.wait(20)
        one.run()
        return one.outcome()

    with ThreadPoolExecutor(8) as pool:
        outcomes = [future.result(20) for future in [pool.submit(run_and_ask) for _ in range(8)]]
    assert outcomes == ["outcome"] * 8
    assert done == [1]
    assert one.came_to_something


def test_what_it_raises_is_raised_where_the_outcome_is_wanted_and_not_where_it_runs() -> None:
    def work() -> str:
        raise ValueError("no")

    one = Beside(work, seconds=1, weight=1)
    assert not one.came_to_something
    one.run()
    with pytest.raises(ValueError, match="no"):
        one.outcome()
    assert not one.came_to_something
