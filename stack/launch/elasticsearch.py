"""One Elasticsearch node as a local process on a reserved loopback port.

Design rule: starting never waits, so that the caller does its other work while the node comes up;
`wait_ready` is the one place that waits, and it ends at once if the process does.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from stack.launch.premises import Running
from stack.launch.starting import LaunchError, wait_answering
from stack.ports import LOOPBACK
from stack.processes import Processes
from stack.tools.elasticsearch_node import (
    ElasticsearchHome,
    answers_healthy,
    node_settings,
    prepare_node,
)

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


class EmbeddedElasticsearch:
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
        self._port = port
        self._heap_mb = heap_mb
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the node answers; known before it runs."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def directory(self) -> Path:
        """Where configuration, data and log lie."""
        return self._directory

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, which was started."""
        if self._process is None:
            raise LaunchError(f"{self._name} was never started; call start() first")
        return self._process

    @property
    def pid(self) -> int | None:
        """The id of the process that was started last, which may have ended; at first `None`."""
        return None if self._process is None else self._process.pid

    def start(self) -> subprocess.Popen[bytes]:
        """Start the node without waiting. It may be started again once it has ended.

        Raises `stack.processes.ProcessError` if it runs already.
        """
        self._process = self._processes.start(
            self._name,
            self._home.command(directory=self._directory, heap_mb=self._heap_mb),
            log=self._log,
            cwd=self._directory,
        )
        return self._process

    def wait_ready(self, timeout: float) -> None:
        """Wait until the cluster's health is yellow or green: every document there is, is found.

        Raises `LaunchError` when the process ends instead, or is not ready after `timeout` seconds.
        """
        wait_answering(
            self._name,
            self.process,
            lambda: answers_healthy(self._port, name=self._name),
            where=self.url,
            log=self._log,
            timeout_seconds=timeout,
            noise=_FRAME,
        )

    def stop(self) -> None:
        """End the node, gracefully. Its files stay. One that was never started is left alone."""
        if self._process is not None:
            self._processes.stop(self._name)

    def __enter__(self) -> Self:
        settings = node_settings(
            directory=self._directory, home=self._home.home, port=self._port, name=self._name
        )
        prepare_node(self._directory, settings)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self._directory / "log" / f"{self._name}.log"
