"""The options that put a team's own application, load, rules and routing in the demo's place.

One rule: they explain themselves in ``pytest --help``; ``scenarios.own_app.asked`` reads them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.run_state import RUN


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, which explain themselves in ``pytest --help``."""
    group = parser.getgroup("alertproof")
    group.addoption(
        "--project",
        type=Path,
        default=None,
        metavar="FOLDER",
        help="the project whose pyproject.toml has the [tool.alertproof] block, and where the "
        "modules of --app are found (default: pytest's rootdir)",
    )
    group.addoption(
        "--app",
        default=None,
        metavar="package.module:factory",
        help="drill this Flask application, or what this factory makes, in the place of the demo",
    )
    group.addoption(
        "--locustfile",
        type=Path,
        default=None,
        metavar="FILE",
        help="let the tasks of this Locust file's users be the load on --app",
    )
    group.addoption(
        "--rules",
        type=Path,
        default=None,
        metavar="FILE",
        help="drill these alert rules in the place of stack/alert-rules.yml",
    )
    group.addoption(
        "--alertmanager-config",
        type=Path,
        default=None,
        metavar="FILE",
        help="route by this Alertmanager file in the place of stack/alertmanager-config.yml",
    )
    group.addoption(
        "--synthetic",
        action="store_true",
        help="drill the alerts that no scenario drills by playing series into the stack under "
        "which they hold; marked as synthetic, for nothing of a service is proved by that",
    )


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which application is drilled, where it is not the demo."""
    own = config.stash[RUN].settings.own
    return [f"alertproof: drills {own.name}"] if own else []
