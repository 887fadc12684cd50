"""What a run is asked to drill: its options, and what ``[tool.alertproof]`` says beside them.

One rule: an option wins over the same key of ``[tool.alertproof]``; what can't be used ends the run
before anything is collected, in one line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from scenarios.expectation import RECEIVERS
from scenarios.own_app.applicability import Applicability, OwnRules
from scenarios.own_app.application import OwnApp
from scenarios.own_app.block import Block, BlockError, read_block
from scenarios.own_app.exposed import relabelling
from scenarios.own_app.locustfile import LocustfileError, users_of
from scenarios.own_app.routing import check_routing
from scenarios.own_app.survey import SurveyFailed, survey
from scenarios.settings import IN_CONTAINERS, Settings
from stack.production import Production, production_files
from stack.rules import RuleSet, load_rules
from stack.yamlfile import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a run is asked to drill.

    Attributes:
        settings: those of the run, with the application's own in them.
        rules: what the rules in force bear.
        own: what the application can have; None where it is the demo.
        synthetic: whether alerts that no scenario names are drilled by playing series.
    """

    settings: Settings
    rules: OwnRules
    own: Applicability | None
    synthetic: bool = False

    @property
    def as_shipped(self) -> bool:
        """Whether it is the demo, by the toolkit's own rules and promises."""
        ours = self.settings.production.rules == production_files().rules
        return self.own is None and ours and self.settings.receivers is None


def block_of(config: pytest.Config) -> Block:
    """Read the project's block.

    Raises:
        pytest.UsageError: it can't be meant so.
    """
    project = config.getoption("--project")
    folder = config.rootpath if project is None else config.invocation_params.dir / project
    if not folder.is_dir():
        raise pytest.UsageError(f"--project: expected a folder that is there, got {folder}")
    try:
        return read_block(folder)
    except BlockError as error:
        raise pytest.UsageError(str(error)) from error


def asked(config: pytest.Config, block: Block, settings: Settings) -> Asked:
    """Return what is drilled, and by which rules, at these settings.

    Raises:
        pytest.UsageError: an application, a Locust file or a rule file can't be used.
    """
    production, rules = _production(config, block)
    settings = replace(settings, production=production, receivers=block.receivers or None)
    bearing = OwnRules(rules=rules, promised=block.receivers or RECEIVERS)
    plays = config.getoption("--synthetic")
    app = config.getoption("--app") or block.app
    locustfile = _given(config, "--locustfile") or block.locustfile
    if app is None:
        if locustfile or block.metrics or block.database:
            raise pytest.UsageError(
                "a Locust file, metrics or a database of your own belong to an application of your "
                f"own: name it with --app, or as app in [tool.alertproof] of {block.source}"
            )
        return Asked(settings=settings, rules=bearing, own=None, synthetic=plays)
    if settings.stack in IN_CONTAINERS:
        raise pytest.UsageError(
            "--app: containers are made of an image that holds the demo service; drill your own "
            "application with --stack=embedded"
        )
    with_own = _with_own(OwnApp.of(block, app, locustfile), settings, bearing)
    return replace(with_own, synthetic=plays)


def _with_own(own: OwnApp, settings: Settings, bearing: OwnRules) -> Asked:
    try:
        if own.locustfile:
            users_of(own.locustfile, own.paths)
        found = survey(own)
    except (SurveyFailed, LocustfileError) as error:
        raise pytest.UsageError(str(error)) from error
    applicable = Applicability(own=own, survey=found, rules=bearing.rules)
    journey = applicable.everyday()
    if not journey:
        raise pytest.UsageError(
            f"{own.name} has no page that a plain GET is answered well for; name requests in "
            "[tool.alertproof.journey], or a Locust file with --locustfile"
        )
    if own.metrics:
        steps = relabelling(own.metrics, found.edges)
        settings = replace(settings, production=replace(settings.production, relabel=steps))
    settings = replace(
        settings, app=own.name, own=own, journey=journey, page=applicable.page() or "/"
    )
    return Asked(settings=settings, rules=bearing, own=applicable)


def _production(config: pytest.Config, block: Block) -> tuple[Production, RuleSet]:
    files = production_files()
    rules = _given(config, "--rules") or block.rules or files.rules
    routing = _given(config, "--alertmanager-config") or block.alertmanager_config
    files = replace(files, rules=rules, alertmanager=routing or files.alertmanager)
    try:
        if routing:
            check_routing(routing)
    except (ConfigurationError, OSError) as error:
        raise pytest.UsageError(f"--alertmanager-config: {error}") from error
    try:
        return files, load_rules(rules.read_text(encoding="utf-8"), rules.name)
    except (ConfigurationError, OSError) as error:
        raise pytest.UsageError(f"--rules: {error}") from error


def _given(config: pytest.Config, option: str) -> Path | None:
    path: Path | None = config.getoption(option)
    if path is None:
        return None
    path = config.invocation_params.dir / path
    if not path.is_file():
        raise pytest.UsageError(f"{option}: expected a file that is there, got {path}")
    return path
