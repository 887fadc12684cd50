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
from scenarios.failures import CANNOT_RUN
from scenarios.model import MAIN
from scenarios.run_state import RUN, drill_of
from scenarios.settings import EXTERNAL, Settings
from stack.clients.server import Server, read_watcher
from stack.external import External, ExternalRefused, Folder
from stack.external.engine import inspect
from stack.settings import Given, SettingsError, given_by, variable

OWN_OPTIONS = ("--rules-url", "--rules-token-file", "--external-folder")
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

    The addresses of Prometheus and Alertmanager, their tokens and the private authority are options
    of the gate (``scenarios.deployment``).
    """
    group = parser.getgroup("alertproof-external", "alertproof: --stack=external")
    group.addoption(
        "--rules-url",
        default="",
        metavar="URL",
        help="what evaluates the rules, where that is another server than the one at"
        f" --prometheus-url, as vmalert is (or set ${{{variable('--rules-url')}}})",
    )
    group.addoption(
        "--rules-token-file",
        default="",
        metavar="FILE",
        help="holds the bearer token that stands before what evaluates the rules, where that is"
        f" another server (or set ${{{variable('--rules-token-file')}}})",
    )
    group.addoption(
        "--external-folder",
        default="",
        metavar="FOLDER",
        help="the folder that these read, made by `python -m stack.external init`, into which a run"
        " writes its services, rules and routes; without it nothing is drilled"
        f" (or set ${{{variable('--external-folder')}}})",
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
    if run.settings.stack != EXTERNAL:
        if used := [option for option in OWN_OPTIONS if config.getoption(option)]:
            raise pytest.UsageError(f"{', '.join(used)}: only with --stack={EXTERNAL}")
        return
    run.settings = replace(
        run.settings,
        external=read_external(
            given_by(vars(config.option), os.environ),
            visible_after_seconds=config.getoption("--visible-after"),
        ),
        drill_run=f"{EXTERNAL}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}",
    )


def read_external(given: Given, *, visible_after_seconds: float = 0.0) -> External:
    """Return where the engine is, and what it asks of whoever asks it.

    Raises:
        pytest.UsageError: an address is missing or none, or a file can't be used.
    """
    if not 0 <= visible_after_seconds < float("inf"):
        raise pytest.UsageError("--visible-after: 0 or more seconds")
    try:
        prometheus, alertmanager = (_named(given, one) for one in ("prometheus", "alertmanager"))
        rules = read_watcher(given, "rules") or prometheus
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from error
    folder = given("--external-folder")
    return External(
        prometheus=prometheus,
        rules=prometheus if rules.url == prometheus.url else rules,
        alertmanager=alertmanager,
        folder=Folder(Path(folder)) if folder else None,
        visible_after=timedelta(seconds=visible_after_seconds),
    )


def _named(given: Given, name: str) -> Server:
    server = read_watcher(given, name)
    if server is None:
        option = f"--{name}-url"
        raise SettingsError(
            f"--stack={EXTERNAL} needs {option} URL, or {variable(option)}; to see it at work"
            " without an engine of yours: nox -s external"
        )
    return server


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
