"""Each rule's unit tests hold on the unscaled production file, in virtual time.

The selected rules' tests run at once, a processor each: days of virtual time take seconds of it.
"""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from stack.production import production_files
from stack.tools import Tools
from stack.unit_tests import UnitResult, run_unit_tests

UNIT = production_files().rules.parent / "unit"


@pytest.fixture(scope="module")
def running(
    request: pytest.FixtureRequest, tools: Tools
) -> Iterator[Mapping[Path, Future[UnitResult]]]:
    """The unit tests of every rule that is selected in this module, all started."""
    chosen: list[Path] = [
        item.callspec.params["unit_file"]  # type: ignore[misc] # parameters are of any type
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module
    ]
    pool = ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0)))
    try:
        yield {
            file: pool.submit(
                run_unit_tests, tools.promtool.command, production_files().rules, file
            )
            for file in chosen
        }
    finally:
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("unit_file", sorted(UNIT.glob("*.yml")), ids=lambda path: path.stem)
def test_rule_holds_in_virtual_time(
    running: Mapping[Path, Future[UnitResult]], unit_file: Path
) -> None:
    done = running[unit_file].result()
    assert done.passed, done.output
