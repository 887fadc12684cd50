"""A team's own application, as a run drills it.

One rule: what the demo has by itself is asked for here by name: routes, files, environment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.conditions import TASKS
from scenarios.own_app.block import Block, OwnDatabase
from scenarios.own_app.exposed import MetricsMapping

DIRECTORY = "{directory}"
"""Stands in a variable's value for the instance's own folder."""

MAINTENANCE = "maintenance"

WEIGHT = 10
"""What a journey's weights add up to, about, as those of the demo's do: scenarios add to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnApp:
    """The application, and what its settings say of it.

    Attributes:
        name: ``package.module:factory``, or ``package.module:app``.
        paths: where its modules are found, first to last.
        working_directory: where it runs; None for each instance's own folder.
        prepare: a command that is run once in each instance's folder before it is made.
        environment: what it is told; ``{directory}`` is the instance's own folder.
        locustfile: the Locust file with its users' tasks, if there is one.
        journey: its requests and their weights, if they are named.
        unauthorized: a request that is answered with 401 or 403; "" where none is named.
        database: its SQLite database, if one is named.
        backup: the file of its last backup in the instance's folder, if one is named.
        metrics: its own metrics, if they are mapped.
    """

    name: str
    paths: tuple[Path, ...]
    working_directory: Path | None = None
    prepare: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    locustfile: Path | None = None
    journey: Mapping[str, int] = field(default_factory=dict)
    unauthorized: str = ""
    database: OwnDatabase | None = None
    backup: Path | None = None
    metrics: MetricsMapping | None = None

    @classmethod
    def of(cls, block: Block, app: str, locustfile: Path | None) -> OwnApp:
        """Return the application of a project; ``app`` and ``locustfile`` are those in force."""
        project = block.source.parent.resolve()
        return cls(
            name=app,
            paths=(*block.pythonpath, project),
            working_directory=block.working_directory,
            prepare=block.prepare,
            environment=block.environment,
            locustfile=locustfile.resolve() if locustfile else None,
            journey=block.journey,
            unauthorized=block.unauthorized,
            database=block.database,
            backup=block.backup,
            metrics=block.metrics,
        )

    def surroundings(self, directory: Path) -> Mapping[str, str]:
        """Return the environment of an instance that lives in ``directory``."""
        own = {
            name: value.replace(DIRECTORY, str(directory))
            for name, value in self.environment.items()
        }
        told = {"LAUNCH_MAINTENANCE_FILE": str(directory / MAINTENANCE)}
        if self.prepare:
            told["LAUNCH_PREPARE"] = json.dumps(self.prepare)
        if self.working_directory:
            told["LAUNCH_WORKING_DIRECTORY"] = str(self.working_directory)
        if self.database:
            told["LAUNCH_DATABASE_FILE"] = str(directory / self.database.file)
        if self.backup:
            told["LAUNCH_BACKUP_FILE"] = str(directory / self.backup)
        return {**own, **told}

    def everyday(self, pages: tuple[str, ...]) -> Mapping[str, int]:
        """Return what its clients ask for while nothing is broken.

        The tasks of its Locust file; else the requests that are named; else ``pages``, all alike.
        """
        if self.locustfile:
            return {TASKS: WEIGHT}
        return self.named(pages)

    def named(self, pages: tuple[str, ...]) -> Mapping[str, int]:
        """Return the requests that are named, or else ``pages``, with weights on one scale."""
        weights = self.journey or dict.fromkeys(pages, 1)
        total = sum(weights.values())
        return {name: max(1, round(WEIGHT * one / total)) for name, one in weights.items()}
