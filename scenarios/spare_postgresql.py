"""pytest's door to a PostgreSQL that no drill breaks.

One rule: it comes up beside the drills, or else when the first check asks for it, and goes with the
run; where the environment names a server, that one is it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scenarios.beside import Beside
from scenarios.capabilities import POSTGRESQL_URL
from scenarios.report import tidy
from scenarios.result import work_directory
from scenarios.settings import Settings
from scenarios.weight import CONTAINER_WEIGHT
from stack.images import image_of
from stack.processes import Processes

if TYPE_CHECKING:
    from stack.launch.containers import PostgreSQL

START_SECONDS = 30.0
"""Patience with its first start, which makes the database."""

TAKES_SECONDS = 2.0
"""On an idle machine: every drill that waits for room takes longer, and is let in before."""


class SparePostgreSQL:
    """The server of one run. Whoever closes ``running`` ends it."""

    def __init__(self, running: ExitStack, directory: Path, url: str = "") -> None:
        """Prepare the server at ``url``, or else one in a container, with its files below."""
        self._running = running
        self._directory = directory
        self._url = url
        self._server = Beside(self._start, seconds=TAKES_SECONDS, weight=CONTAINER_WEIGHT)

    @property
    def beside(self) -> tuple[Beside[PostgreSQL], ...]:
        """Its start, where there is something to start."""
        return () if self._url else (self._server,)

    def environment(self) -> Mapping[str, str]:
        """Return what tells a service of it, once it takes connections; raise why it doesn't."""
        if self._url:
            return {"DATABASE_URL": self._url}
        server = self._server.done()
        return {"DATABASE_URL": server.url, "PGPASSFILE": str(server.password_file)}

    def _start(self) -> PostgreSQL:
        # Loaded here: where the environment names a server, nobody needs the engine's client.
        from stack.launch.containers import Containers, PostgreSQL

        enter, directory = self._running.enter_context, self._directory
        premises = enter(Containers(enter(Processes()), directory, image_of))
        name, image = "postgresql", image_of("postgres")
        server = PostgreSQL(premises, name, image, directory / name)
        server.start()
        server.wait_ready(START_SECONDS)
        return server


@pytest.fixture(scope="session")
def spare_postgresql(settings: Settings) -> Iterator[SparePostgreSQL]:
    """A PostgreSQL for checks that break none."""
    directory = work_directory(settings.reports.absolute(), "postgresql")
    with ExitStack() as running:
        yield SparePostgreSQL(running, directory, os.environ.get(POSTGRESQL_URL, ""))
    if directory.exists():
        tidy(directory)
