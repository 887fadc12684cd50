"""One Elasticsearch node as a local process on a reserved loopback port.

Design rule: starting never waits, so that the caller does its other work while the node comes up;
`wait_ready` is the one place that waits, and it ends at once if the process does.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from stack.launch.node import StartedNode
from stack.launch.premises import Running
from stack.ports import LOOPBACK
from stack.processes import Processes
from stack.tools.elasticsearch_node import ElasticsearchHome, node_settings, prepare_node

__all__ = ["ElasticsearchNode", "EmbeddedElasticsearch"]

DEFAULT_HEAP_MB = 256
"""Takes 25 MB of bulk requests at the same time, a tenth of the heap (the default of
indexing_pressure.memory.limit),
and refuses more with 429."""

_FRAME = ("at ", "... ")
"""The reasons are between the frames of Java's stack traces."""


class ElasticsearchNode(Protocol):
    """One node, wherever it runs. A context manager: the node ends with it.

    Starting never waits, and one that has ended may be started again, with its data.
    """

    @property
    def name(self) -> str:
        """What it is called, among all that a run has started."""
        ...

    @property
    def url(self) -> str:
        """Where the node answers; known before it runs."""
        ...

    @property
    def pid(self) -> int | None:
        """The id of the process that was started last, which may have ended; at first `None`."""
        ...

    @property
    def process(self) -> Running:
        """What runs as the node, which was started."""
        ...

    def start(self) -> object:
        """Start the node without waiting."""
        ...

    def wait_ready(self, timeout: float) -> None:
        """Wait until every document there is, is found; raise `LaunchError` after `timeout` s."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class EmbeddedElasticsearch(StartedNode["subprocess.Popen[bytes]"]):
    """One node, with everything that it writes below `directory`: `config`, `data`, `log`, `tmp`.

    A context manager: entering writes the node's settings and starts nothing, leaving ends the
    process. The files stay, so that a node may be started again with the data of the last.
    """

    def __init__(
        self,
        home: ElasticsearchHome,
        directory: Path,
        processes: Processes,
        port: int,
        *,
        heap_mb: int = DEFAULT_HEAP_MB,
        name: str = "elasticsearch",
    ) -> None:
        self._home = home
        self._directory = directory.absolute()
        self._processes = processes
        self._heap_mb = heap_mb
        log = self._directory / "log" / f"{name}.log"
        super().__init__(name, LOOPBACK, port, log, noise=_FRAME)

    @property
    def directory(self) -> Path:
        """Where configuration, data and log lie."""
        return self._directory

    def start(self) -> subprocess.Popen[bytes]:
        """Start the node without waiting. It may be started again once it has ended.

        Raises `stack.processes.ProcessError` if it runs already.
        """
        self._running = self._processes.start(
            self._name,
            self._home.command(directory=self._directory, heap_mb=self._heap_mb),
            log=self._log,
            cwd=self._directory,
        )
        return self._running

    def __enter__(self) -> Self:
        settings = node_settings(
            directory=self._directory, home=self._home.home, port=self._port, name=self._name
        )
        prepare_node(self._directory, settings)
        return self

    def _end(self) -> None:
        self._processes.stop(self._name)
