"""pytest's door to the rules' unit tests: those that are selected run once.

One rule: they run beside the drills, one after the other in what these leave of the machine, or
else when the first check asks for one, and then a processor each.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from scenarios.beside import Beside
from scenarios.weight import YIELDING_WEIGHT
from stack.production import production_files
from stack.tools import Tools
from stack.unit_tests import UnitResult, run_unit_tests
from stack.yielding import yielding

UNIT = production_files().rules.parent / "unit"

SECONDS = 1.0
"""About how long one file takes, all of it of one processor."""

YIELDING = yielding(19, own_session=False)
"""The drills' scrapes must not wait for them."""


class VirtualTime:
    """The unit tests of one run."""

    def __init__(self, files: frozenset[Path], tools: Tools) -> None:
        promtool = (*YIELDING, *tools.promtool.command)
        self._tests = {
            file: Beside(
                partial(run_unit_tests, promtool, production_files().rules, file),
                seconds=SECONDS,
                weight=YIELDING_WEIGHT,
            )
            for file in sorted(files)
        }

    @property
    def beside(self) -> tuple[Beside[None], ...]:
        """All files' tests in turn, which whoever runs them lets in."""
        seconds = SECONDS * len(self._tests)
        return (Beside(partial(self._run, 1), seconds=seconds, weight=YIELDING_WEIGHT),)

    def _run(self, at_once: int) -> None:
        """Run those that nobody has run."""
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(Beside.run, self._tests.values()))

    def result(self, file: Path) -> UnitResult:
        """Return how one file's tests went; raise what running them raised."""
        self._run(len(os.sched_getaffinity(0)))
        return self._tests[file].outcome()


@pytest.fixture(scope="session")
def virtual_time(request: pytest.FixtureRequest, tools: Tools) -> VirtualTime:
    """The unit tests of the rules that are selected."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    parameters = [item.callspec.params for item in items if hasattr(item, "callspec")]
    files = [each["unit_file"] for each in parameters if "unit_file" in each]
    return VirtualTime(frozenset(file for file in files if isinstance(file, Path)), tools)
