"""A run's nodes of Elasticsearch: one for each drill that breaks its own, and one for all others.

One rule: a node comes up when somebody first ships to it, with the template of production; one that
a drill has broken and repaired becomes that of all others where they have none yet, as a start is
most of what a node costs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from scenarios.beside import Once
from stack.launch.elasticsearch import ElasticsearchNode
from stack.launch.starting import LaunchError

SHARED_NODE = "elasticsearch"
"""The node of all who have none of their own, where it is started for them."""

READY_SECONDS = 120.0
"""Patience with a node's start: three seconds on an idle machine, and ten times as long where it
yields to two busy processors."""

SETUP_SECONDS = 120.0
"""Patience with the installation of an index template, which waits for that node."""

NODE_SECONDS = 8.0
"""How long a node takes until it holds records, beside drills: three seconds where it is alone."""


class LogsFailed(Exception):
    """Logs can't be shipped: what did not come up, and where to look."""


MakeNode = Callable[[ExitStack, str, Path], ElasticsearchNode]
"""Returns a node of that name which keeps its files in that folder; it is not started yet, and
what is reserved for it goes with that stack."""


class Nodes:
    """The nodes of one run, which all end with it. Thread-safe."""

    def __init__(self, directory: Path) -> None:
        """Prepare nodes that keep their files below ``directory``."""
        self._directory = directory
        self._make: MakeNode | None = None
        self._takes_over = False
        self._running = ExitStack()
        self._started: list[ElasticsearchNode] = []
        self._left: list[ElasticsearchNode] = []
        self._ticks: dict[int, int] = {}
        self._shared = Once(self._find_shared)

    def open(self, running: ExitStack, make: MakeNode, *, takes_over: bool) -> None:
        """Have nodes made by ``make``, which all end with the run.

        ``takes_over`` tells whether a node that a drill has left may become that of all others.
        """
        self._make = make
        self._takes_over = takes_over
        self._running = running.enter_context(ExitStack())

    def shared(self) -> ElasticsearchNode:
        """Return the node of all who have none of their own, which is up.

        Raises:
            LogsFailed: it did not come up, whoever tried.
        """
        return self._shared.done()

    def own(self, name: str) -> ElasticsearchNode:
        """Return a node for one drill alone, which has come up.

        Raises:
            LogsFailed: it did not.
        """
        return self._come_up(f"{SHARED_NODE}-{name}")

    def leave(self, node: ElasticsearchNode) -> None:
        """Tell that the drill of a node of its own is over, and has repaired it."""
        if self._takes_over:
            self._left.append(node)

    @property
    def shared_name(self) -> str | None:
        """What the node of all others is called; None where none came up."""
        return self.shared().name if self._shared.came_to_something else None

    def processor_ticks(self) -> int:
        """Return the processor time that all nodes have used so far, in the kernel's ticks.

        They yield to all else of the run.
        """
        for node in tuple(self._started):
            if node.pid is not None:
                self._ticks[node.pid] = ticks_of(node.pid, otherwise=self._ticks.get(node.pid, 0))
        return sum(self._ticks.values())

    def _find_shared(self) -> ElasticsearchNode:
        for one in tuple(self._left):
            with suppress(LaunchError):
                one.wait_ready(READY_SECONDS)
                return one
        return self._come_up(SHARED_NODE)

    def _come_up(self, name: str) -> ElasticsearchNode:
        if self._make is None:
            raise LogsFailed("a service ships its log, and no Elasticsearch was looked for")
        try:
            node = self._make(self._running, name, self._directory / name)
            self._running.enter_context(node)
            self._started.append(node)
            node.start()
            node.wait_ready(READY_SECONDS)
            set_up(node)
        except Exception as error:  # whatever it was, this is where it is said
            raise LogsFailed(f"{name} did not come up: {error}") from error
        return node


def ticks_of(pid: int, *, otherwise: int) -> int:
    """Return the ticks of processor time that a process has used; ``otherwise`` once it is gone.

    Of /proc/PID/stat: utime and stime (proc(5)), counted behind the name, which may hold spaces.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return otherwise
    return int(fields[11]) + int(fields[12])


def asking(node: ElasticsearchNode) -> dict[str, str]:
    """Return the environment of ``python -m stack.logs`` that asks a node."""
    return {**os.environ, "ELASTICSEARCH_URL": node.url}


def set_up(node: ElasticsearchNode) -> None:
    """Install index template and retention, as a person does.

    Raises:
        LogsFailed: they were refused, or not installed in time.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "stack.logs", "setup"],
            env=asking(node),
            capture_output=True,
            text=True,
            timeout=SETUP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LogsFailed(
            f"python -m stack.logs setup: no end within {error.timeout:.0f} s"
        ) from None
    if done.returncode:
        raise LogsFailed(f"python -m stack.logs setup: {(done.stderr or done.stdout).strip()}")
