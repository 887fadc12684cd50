"""The options of ``pytest``, and what a run is asked by them.

One rule: they are read once, and explain themselves in ``pytest --help``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from scenarios import capabilities
from scenarios.deployment.needs import NEEDS
from scenarios.own_app.asked import asked, block_of
from scenarios.own_app.block import Block
from scenarios.run_state import RUN, RunState
from scenarios.settings import EMBEDDED, STACKS, Settings

CHECKS = next(
    folder
    for name in ("checks", "alertproof_checks")  # in a clone, and as the wheel has it
    if (folder := Path(__file__).resolve().parents[1] / name).is_dir()
)
"""The executable checklist."""

LEAST_HEAP_MB = 128
"""With less a node spends its time collecting garbage."""


def _time_scale(text: str) -> float:
    value = float(text)
    if not 1 <= value < float("inf"):
        raise ValueError
    return value


def _heap(text: str) -> int:
    value = int(text)
    if value < LEAST_HEAP_MB:
        raise ValueError
    return value


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, which explain themselves in ``pytest --help``."""
    group = parser.getgroup("alertproof", "alertproof: break a service, and prove its alerts")
    group.addoption(
        "--time-scale",
        type=_time_scale,
        default=None,
        metavar="K",
        help="divide production's durations by K, so that a 10-minute rule proves itself in "
        "10 seconds (default: 60; 1 runs in real time and takes over an hour)",
    )
    group.addoption(
        "--stack",
        choices=STACKS,
        default=None,
        help="how the parts of a run are started: 'embedded' as local processes on loopback ports, "
        "fetched on first use, without root (default); 'containers' as containers of a network "
        "of the run's own, for which `nox -s images` makes or pulls the images; 'compose' the same "
        "with the Prometheus, Alertmanager and Elasticsearch that "
        "stack/docker-compose.monitoring.yml starts; 'external' starts no Prometheus or "
        "Alertmanager and takes the URLs of yours (see --prometheus-url)",
    )
    group.addoption(
        "--elasticsearch-heap",
        type=_heap,
        default=256,
        metavar="MB",
        help=f"heap of each node of Elasticsearch in MiB, {LEAST_HEAP_MB} or more (default: 256, "
        "enough for the few thousand records of a run)",
    )
    group.addoption(
        "--keep",
        action="store_true",
        help="when the checks are done, leave the stack and the services up, print their URLs, "
        "and wait for Ctrl-C",
    )
    group.addoption(
        "--require",
        action="append",
        default=[],
        metavar="CAPABILITY",
        help="fail what would be NOT APPLICABLE for want of this capability; may be repeated "
        f"(known: {', '.join(capabilities.known())})",
    )
    group.addoption(
        "--reports",
        type=Path,
        default=None,
        metavar="FOLDER",
        help="where evidence.json, junit.xml and the runs' histories go (default: reports/)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the options once, and let JUnit XML go to the reports when checks are run."""
    for line in (
        "drills(which=...): run this check for the drills for which which(drill) is true",
        "of_the_demo: asks for what only the demo service has",
        "of_the_files: is about the toolkit's own rule and routing files",
        "requires(capability): NOT APPLICABLE where the run lacks the capability",
    ):
        config.addinivalue_line("markers", line)
    block = Block(source=config.rootpath) if config.option.help else block_of(config)
    required = frozenset(config.getoption("--require")) | frozenset(block.require)
    unknown = required - set(capabilities.known()) - set(NEEDS)
    if unknown:
        raise pytest.UsageError(
            f"--require: unknown capability {', '.join(sorted(unknown))}; "
            f"known: {', '.join(capabilities.known())}; to the gate: {', '.join(NEEDS)}"
        )
    reports = config.getoption("--reports") or block.reports or config.rootpath / "reports"
    settings = Settings(
        time_scale=config.getoption("--time-scale") or block.time_scale or 60.0,
        stack=config.getoption("--stack") or block.stack or EMBEDDED,
        keep=config.getoption("--keep"),
        elasticsearch_heap_mb=config.getoption("--elasticsearch-heap"),
        reports=reports,
    )
    checking = CHECKS in [one for path in asked_for(config) for one in (path, *path.parents)]
    run = config.stash[RUN] = RunState(
        settings=settings, required=required, ask=partial(asked, config, block)
    )
    if checking and not config.option.help:
        _ = run.asked  # what can't be drilled ends the run here
    if checking and not config.option.xmlpath:
        config.option.xmlpath = str(reports / "junit.xml")


def asked_for(config: pytest.Config) -> list[Path]:
    """Return the files and folders that are to be collected, modules by their names among them."""
    named = [argument.partition("::")[0] for argument in config.args]
    return [
        _packaged(one)
        if config.option.pyargs and one.split(".")[0] == CHECKS.name
        else Path(one).resolve()
        for one in named
    ]


def _packaged(module: str) -> Path:
    """Return where a module of the checklist is: ``alertproof_checks.deployment`` is a folder."""
    return CHECKS.joinpath(*module.split(".")[1:])
