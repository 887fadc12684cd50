"""What takes one service's log to its node of Elasticsearch: a process that may be killed.

One rule: it is the command that a person runs, and goes on where it stopped when started again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.target import Discovery
from stack.launch.elasticsearch import ElasticsearchNode
from stack.ports import Place
from stack.processes import ProcessError, Processes
from stack.yielding import yielding

YIELDING = yielding(19, own_session=True)
"""What is handed over has the whole run's time to be shipped in."""

GATHERS_SECONDS = 0.25
"""How long records are gathered for one request: shorter than by default, as checks wait for it."""


ONCE_SECONDS = 300.0
"""Patience with what ships a log and ends, which takes a second or two where it has a processor."""


class LogsFailed(Exception):
    """Logs can't be shipped: what did not come up, and where to look."""


@dataclass(slots=True, kw_only=True)
class Shipper:
    """What ships one service's log; it goes on when it is started again.

    Attributes:
        log_file: what it follows.
        node: where its records go.
        place: where its metrics are; ``None`` for one that ships what is there, and ends.
        directory: where its checkpoint and its dead letters are.
        discovery: the file through which Prometheus finds it, where it shall.
    """

    name: str
    log_file: Path
    node: ElasticsearchNode
    directory: Path
    processes: Processes = field(repr=False)
    place: Place | None = None
    discovery: Discovery | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The address of its metrics; only of one that has a place."""
        assert self.place is not None, f"{self.name} ended when it had shipped all"
        return f"http://{self.place.address}/metrics"

    def start(self) -> None:
        """Start it, or start it again once it has ended.

        Raises:
            stack.processes.ProcessError: it runs already.
        """
        assert self.place is not None
        host, port = self.place.host, str(self.place.port)
        gathers = ["--max-age-seconds", str(GATHERS_SECONDS)]
        self._start(["--metrics-address", host, "--metrics-port", port, *gathers])

    def ship_what_is_there(self) -> None:
        """Ship the file as it is, in what is left of the machine, and end.

        Raises:
            LogsFailed: it could not.
        """
        try:
            status = self._start(["--once"], before=YIELDING).wait(ONCE_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise LogsFailed(
                f"{self.name}: no end within {error.timeout:.0f} s; see {self._log}"
            ) from None
        if status:
            raise LogsFailed(f"{self.name} ended with status {status}; see {self._log}")

    def _start(self, how: Sequence[str], before: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        ship = [sys.executable, "-m", "stack.logs", "ship", str(self.log_file)]
        self._process = self.processes.start(
            self.name,
            [*before, *ship, "--state-directory", str(self.directory), *how],
            log=self._log,
            env={**os.environ, "ELASTICSEARCH_URL": self.node.url},
        )
        return self._process

    @property
    def _log(self) -> Path:
        return self.directory / "shipper.log"

    @property
    def started(self) -> bool:
        """Whether it was ever started."""
        return self._process is not None

    def kill(self) -> None:
        """Send it SIGKILL, and wait until it is gone.

        Raises:
            stack.processes.ProcessError: it was never started.
        """
        if self._process is None:
            raise ProcessError(f"{self.name} was never started, and can't be killed")
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
