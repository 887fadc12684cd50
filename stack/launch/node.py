"""What every node of Elasticsearch has in common, whatever it runs in.

Design rule: starting is its own, and never waits; who asks for what was never started is told so.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

from stack.launch.premises import Running
from stack.launch.starting import LaunchError, wait_answering
from stack.tools.elasticsearch_node import answers_healthy

__all__ = ["StartedNode"]

R = TypeVar("R", bound=Running)


class StartedNode(ABC, Generic[R]):
    """One node called `name`, which answers at `host` and `port` and complains in `log`.

    Lines of the log that begin with `noise` give no reason, and are not told.
    """

    def __init__(
        self, name: str, host: str, port: int, log: Path, *, noise: tuple[str, ...] = ()
    ) -> None:
        self._name = name
        self._host = host
        self._port = port
        self._log = log
        self._noise = noise
        self._running: R | None = None

    @property
    def name(self) -> str:
        """What it is called, among all that a run has started."""
        return self._name

    @property
    def url(self) -> str:
        """Where the node answers; known before it runs."""
        return f"http://{self._host}:{self._port}"

    @property
    def process(self) -> R:
        """What it runs in. Raises LaunchError before it was started."""
        if self._running is None:
            raise LaunchError(f"{self._name} was never started; call start() first")
        return self._running

    @property
    def pid(self) -> int | None:
        """The id of the process that was started last, which may have ended; at first `None`."""
        return None if self._running is None else self._running.pid

    def wait_ready(self, timeout: float) -> None:
        """Wait until the cluster's health is yellow or green: every document there is, is found.

        Raises `LaunchError` when the node ends instead, or is not ready after `timeout` seconds.
        """
        wait_answering(
            self._name,
            self.process,
            lambda: answers_healthy(self._port, host=self._host, name=self._name),
            where=self.url,
            log=self._log,
            timeout_seconds=timeout,
            noise=self._noise,
        )

    def stop(self) -> None:
        """End the node, gracefully. One that was never started is left alone."""
        if self._running is not None:
            self._end()

    @abstractmethod
    def _end(self) -> None:
        """End what was started."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
