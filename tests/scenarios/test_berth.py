"""What an instance is given follows from its load and its fault."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.berth import Berth, Quarters
from scenarios.conditions import steady
from scenarios.faults.delay import Delay
from scenarios.faults.saturate import Saturate
from scenarios.load_plan import SPARE_THREADS
from scenarios.model import Drill
from scenarios.settings import Settings
from stack.launch.local import Local
from stack.ports import Fixed
from stack.processes import Processes


@pytest.fixture
def quarters() -> Quarters:
    return Quarters(premises=Local(Processes()), gateway=Fixed("127.0.0.1", 1))


def berth(drill: Drill, tmp_path: Path, quarters: Quarters) -> Berth:
    return Berth.of(drill, settings=Settings(), run=tmp_path, quarters=quarters)


SLOW = Drill(
    alert="SlowResponseTime", load=steady(per_second=20), fault=Delay(seconds=1.5, share=1)
)


def test_an_instance_has_a_thread_for_each_user_so_that_no_fault_is_refused(
    tmp_path: Path, quarters: Quarters
) -> None:
    with_delay = berth(SLOW, tmp_path, quarters)
    assert with_delay.threads == with_delay.targeted.users + SPARE_THREADS


def test_an_instance_whose_threads_are_to_be_occupied_has_no_more_than_that(
    tmp_path: Path, quarters: Quarters
) -> None:
    occupied = berth(replace(SLOW, fault=Saturate(seconds=2.0)), tmp_path, quarters)
    assert occupied.threads == 20 * 2 + SPARE_THREADS
