"""The options of ``--stack=external``, and what a stack that somebody else runs can't give.

One rule: decided before anything is drilled, from what was asked for and from what the engine
answers; where the run starts its own stack, nothing here is looked at.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scenarios.capabilities import HAS_ALL, INJECTION, OWN_WATCHERS
from scenarios.deployment.needs import variable
from scenarios.failures import CANNOT_RUN
from scenarios.model import MAIN
from scenarios.run_state import RUN, drill_of
from scenarios.settings import EXTERNAL, Settings
from stack.clients.address import AddressError, address
from stack.external import External, ExternalRefused, Folder
from stack.external.engine import inspect

PROMETHEUS_URL = variable("--prometheus-url")
RULES_URL = variable("--rules-url")
ALERTMANAGER_URL = variable("--alertmanager-url")
FOLDER = variable("--external-folder")

OWN_OPTIONS = ("--rules-url", "--external-folder")
"""Those that mean nothing for another stack."""

NO_FOLDER = (
    "--stack=external injects nothing unless told to: --external-folder names the folder that the"
    " engine reads (docs/external.md)"
)
NOT_OURS = (
    "this drill breaks its Prometheus or Alertmanager, or needs a past of days; that of"
    " --stack=external is not the run's to break or to fill"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, which explain themselves in ``pytest --help``.

    The addresses of Prometheus and Alertmanager are options of the gate (``scenarios.deployment``).
    """
    group = parser.getgroup("alertproof-external", "alertproof: --stack=external")
    group.addoption(
        "--rules-url",
        default="",
        metavar="URL",
        help="what evaluates the rules, where that is another server than the one at"
        f" --prometheus-url, as vmalert is (or set ${{{RULES_URL}}})",
    )
    group.addoption(
        "--external-folder",
        default="",
        metavar="FOLDER",
        help="the folder that these read, made by `python -m stack.external init`, into which a run"
        " writes its services, rules and routes; without it nothing is drilled"
        f" (or set ${{{FOLDER}}})",
    )
    group.addoption(
        "--visible-after",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how long after its scrape a sample may be hidden from queries and rules, which is"
        " added to every bound (default: what the engine is known for; 0 for Prometheus)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read the options; none of them means anything for another stack."""
    run = config.stash[RUN]
    given = {
        "--prometheus-url": config.getoption("--prometheus-url"),
        "--rules-url": config.getoption("--rules-url"),
        "--alertmanager-url": config.getoption("--alertmanager-url"),
        "--external-folder": config.getoption("--external-folder"),
    }
    if run.settings.stack != EXTERNAL:
        if used := [option for option in OWN_OPTIONS if given[option]]:
            raise pytest.UsageError(f"{', '.join(used)}: only with --stack={EXTERNAL}")
        return
    run.settings = replace(
        run.settings,
        external=read_external(
            given, os.environ, visible_after_seconds=config.getoption("--visible-after")
        ),
        drill_run=f"{EXTERNAL}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}",
    )


def read_external(
    given: Mapping[str, str | None],
    environment: Mapping[str, str],
    *,
    visible_after_seconds: float = 0.0,
) -> External:
    """Return where the engine is, by the options or else by the environment.

    Raises:
        pytest.UsageError: an address is missing, or is none.
    """
    prometheus = _url("--prometheus-url", PROMETHEUS_URL, given, environment)
    alertmanager = _url("--alertmanager-url", ALERTMANAGER_URL, given, environment)
    rules = _url("--rules-url", RULES_URL, given, environment, default=prometheus)
    if not 0 <= visible_after_seconds < float("inf"):
        raise pytest.UsageError("--visible-after: 0 or more seconds")
    folder = given.get("--external-folder") or environment.get(FOLDER)
    return External(
        prometheus_url=prometheus,
        rules_url=rules,
        alertmanager_url=alertmanager,
        folder=Folder(Path(folder)) if folder else None,
        visible_after=timedelta(seconds=visible_after_seconds),
    )


def _url(
    option: str,
    variable: str,
    given: Mapping[str, str | None],
    environment: Mapping[str, str],
    *,
    default: str = "",
) -> str:
    url = given.get(option) or environment.get(variable) or default
    if not url:
        raise pytest.UsageError(
            f"--stack={EXTERNAL} needs {option} URL, or {variable}; to see it at work without an"
            " engine of yours: nox -s external"
        )
    try:
        return address(url)
    except AddressError as error:
        raise pytest.UsageError(f"{option}: {error}") from error


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Ask the engine what it is, before what does not apply to it is taken out."""
    run = config.stash[RUN]
    if run.settings.external is None or not items:
        return
    try:
        external = inspect(run.settings.external)
    except ExternalRefused as error:
        pytest.exit(f"alertproof: {error}", returncode=CANNOT_RUN)
    run.settings = replace(run.settings, external=external)


def lacks_of(settings: Settings) -> Mapping[str, str]:
    """Return what the run's stack lacks, capability to reason."""
    external = settings.external
    if external is None:
        return HAS_ALL
    return {
        **external.lacks,
        OWN_WATCHERS: NOT_OURS,
        **({} if external.folder else {INJECTION: NO_FOLDER}),
    }


def needs_of(item: pytest.Item) -> set[str]:
    """Return which of a stack's capabilities a check needs, by what it asks for."""
    needs = set()
    drill = drill_of(item)
    if drill or "campaign" in getattr(item, "fixturenames", ()):
        needs.add(INJECTION)
    if drill and drill.watched_by != MAIN:
        needs.add(OWN_WATCHERS)
    return needs
