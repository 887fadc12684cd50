"""pytest's door to the rules' unit tests: those that are selected run at once, a processor each.

One rule: they run beside the drills, in what these leave of the machine at their end, or else when
the first check asks for one.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from scenarios.beside import Beside
from scenarios.places import PLACES_PER_CORE
from stack.production import production_files
from stack.tools import Tools
from stack.unit_tests import UnitResult, run_unit_tests

UNIT = production_files().rules.parent / "unit"

SECONDS = 1.0
"""About how long one file takes, all of it of one processor."""

YIELDING = ("nice", "-n", "19")
"""The drills' scrapes must not wait for them."""


class VirtualTime:
    """The unit tests of one run."""

    def __init__(self, files: frozenset[Path], tools: Tools) -> None:
        promtool = (*YIELDING, *tools.promtool.command)
        self._tests = {
            file: Beside(
                partial(run_unit_tests, promtool, production_files().rules, file),
                seconds=SECONDS,
                weight=PLACES_PER_CORE,
            )
            for file in sorted(files)
        }

    @property
    def beside(self) -> tuple[Beside[UnitResult], ...]:
        """Each file's tests, which whoever runs them lets in."""
        return tuple(self._tests.values())

    def run_rest(self) -> None:
        """Run those that nobody has run."""
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            list(pool.map(Beside.run, self.beside))

    def result(self, file: Path) -> UnitResult:
        """Return how one file's tests went; raise what running them raised."""
        self.run_rest()
        return self._tests[file].outcome()


@pytest.fixture(scope="session")
def virtual_time(request: pytest.FixtureRequest, tools: Tools) -> VirtualTime:
    """The unit tests of the rules that are selected."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    parameters = [item.callspec.params for item in items if hasattr(item, "callspec")]
    files = [each["unit_file"] for each in parameters if "unit_file" in each]
    return VirtualTime(frozenset(file for file in files if isinstance(file, Path)), tools)
