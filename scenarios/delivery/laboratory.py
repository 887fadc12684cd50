"""pytest's door to the trials: those that are selected run at the same time, each once.

One rule: they run beside the drills, or else when the first check asks for a trial's evidence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pytest

from scenarios.beside import Beside
from scenarios.delivery.bench import Bench
from scenarios.delivery.evidence import Evidence
from scenarios.delivery.trials import TRIALS
from scenarios.report import tidy
from scenarios.result import work_directory
from scenarios.settings import Settings
from scenarios.weight import STACK_WEIGHT
from stack.production import Production
from stack.replacing import replace_text
from stack.tools import Tools
from stack.waiting import WaitTimeout

AT_ONCE = 9
"""So many benches are up at the same time; each uses a tenth of a core and 120 MB."""

SECONDS = 25.0
"""About how long a trial takes: a few group intervals, and five seconds until it can begin."""


def run_trial(name: str, tools: Tools, production: Production, directory: Path) -> Evidence:
    """Run one trial on a bench of its own below ``directory``, and return what it saw.

    What the trial waits for in vain ends it, and stands in the evidence.
    """
    trial = TRIALS[name]
    with Bench(
        tools,
        production,
        directory / name,
        time_scale=trial.time_scale,
        severity=trial.severity,
        alertmanagers=trial.alertmanagers,
        mute=trial.mute,
    ) as bench:
        try:
            trial.run(bench)
        except WaitTimeout as error:
            return replace(bench.evidence(), stopped=str(error))
        return bench.evidence()


class Laboratory:
    """The trials of one run that were selected."""

    def __init__(
        self, names: frozenset[str], tools: Tools, production: Production, directory: Path
    ) -> None:
        self._trials = {
            name: Beside(
                partial(run_trial, name, tools, production, directory),
                seconds=SECONDS,
                weight=STACK_WEIGHT,
            )
            for name in TRIALS
            if name in names
        }

    @property
    def beside(self) -> tuple[Beside[Evidence], ...]:
        """Each trial, which whoever runs them lets in."""
        return tuple(self._trials.values())

    def keep(self, path: Path) -> None:
        """Write what every trial saw, in one step."""
        kept = {
            name: {"time_scale": TRIALS[name].time_scale, **asdict(trial.outcome())}
            for name, trial in self._trials.items()
            if trial.came_to_something
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, json.dumps(kept, indent=1, default=str) + "\n")

    def evidence(self, name: str) -> Evidence:
        """Run the trials that nobody has run, and return what one saw; raise what it raised."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="trial") as pool:
            list(pool.map(Beside.run, self.beside))
        return self._trials[name].outcome()


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line(
        "markers", f"trial(name): judge the evidence of a trial (known: {', '.join(TRIALS)})"
    )


@pytest.fixture(scope="session")
def laboratory(
    request: pytest.FixtureRequest, tools: Tools, settings: Settings
) -> Iterator[Laboratory]:
    """The trials that the selected checks ask for."""
    marked = [item.get_closest_marker("trial") for item in request.session.items]
    names = frozenset(marker.args[0] for marker in marked if marker)
    unknown = names - TRIALS.keys()
    if unknown:
        raise pytest.UsageError(
            f"no trial is named {', '.join(sorted(unknown))}; known: {', '.join(TRIALS)}"
        )
    directory = work_directory(settings.reports.absolute(), "trials")
    trials = Laboratory(names, tools, settings.production, directory)
    yield trials
    trials.keep(settings.reports / "delivery.json")
    if directory.exists():
        tidy(directory)


@pytest.fixture
def seen(request: pytest.FixtureRequest, laboratory: Laboratory) -> Evidence:
    """What the check's trial saw."""
    marker = request.node.get_closest_marker("trial")
    if marker is None:
        raise pytest.UsageError(f"{request.node.nodeid} names no trial; mark it with one")
    return laboratory.evidence(marker.args[0])
