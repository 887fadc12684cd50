"""pytest's door to the rules' unit tests: those that are selected run once.

One rule: they run beside the drills, one after the other in what these leave of the machine, or
else when the first check asks for one, and then a processor each.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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

YIELDING = yielding(19, own_session=False)
"""The drills' scrapes must not wait for them."""

TAKES_SECONDS = 6.0
"""Half of what they take beside drills, so that they begin with the last of them."""


class VirtualTime:
    """The unit tests of one run. Thread-safe."""

    def __init__(self, files: frozenset[Path], tools: Tools) -> None:
        self._promtool = tools.promtool.command
        self._outcomes: dict[Path, Future[UnitResult]] = {file: Future() for file in files}
        self._left = deque(sorted(files))

    @property
    def beside(self) -> tuple[Beside[None], ...]:
        """All files' tests in turn."""
        every = partial(self._run, YIELDING)
        return (Beside(every, seconds=TAKES_SECONDS, weight=YIELDING_WEIGHT),)

    def result(self, file: Path) -> UnitResult:
        """Return how one file's tests went; raise what running them raised."""
        at_once = len(os.sched_getaffinity(0))
        with ThreadPoolExecutor(at_once) as pool:
            try:
                list(pool.map(self._run, [()] * at_once))
            finally:
                self._left.clear()  # Ctrl-C ends the pool after the tests that run
        return self._outcomes[file].result()

    def _run(self, before: Sequence[str]) -> None:
        """Run those that nobody has begun, with ``before`` in front of promtool."""
        promtool = (*before, *self._promtool)
        while True:
            try:
                file = self._left.popleft()
            except IndexError:
                return
            try:
                result = run_unit_tests(promtool, production_files().rules, file)
            except BaseException as error:  # noqa: BLE001 - raised where the result is wanted
                self._outcomes[file].set_exception(error)
            else:
                self._outcomes[file].set_result(result)


@pytest.fixture(scope="session")
def virtual_time(request: pytest.FixtureRequest, tools: Tools) -> VirtualTime:
    """The unit tests of the rules that are selected."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    parameters = [item.callspec.params for item in items if hasattr(item, "callspec")]
    files = [each["unit_file"] for each in parameters if "unit_file" in each]
    return VirtualTime(frozenset(file for file in files if isinstance(file, Path)), tools)
