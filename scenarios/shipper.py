"""What takes one service's log to its node of Elasticsearch: a process that may be killed.

One rule: it is the command that a person runs, and goes on where it stopped when started again.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.nodes import asking
from scenarios.target import Discovery
from stack.launch.elasticsearch import ElasticsearchNode
from stack.ports import Place
from stack.processes import ProcessError, Processes

GATHERS_SECONDS = 0.25
"""How long records are gathered for one request: shorter than by default, as checks wait for it."""

SHIP = (sys.executable, "-m", "stack.logs", "ship")
"""The command, less what it ships and how."""


@dataclass(slots=True, kw_only=True)
class Shipper:
    """What ships one service's log; it goes on when it is started again.

    Attributes:
        service: whose log it is.
        log_file: what it follows.
        own_node: whether to a node of its own.
        place: where its metrics are.
        directory: where its checkpoint and its dead letters are.
        discovery: the file through which Prometheus finds it, where it shall.
    """

    service: str
    log_file: Path
    own_node: bool
    place: Place
    directory: Path
    processes: Processes = field(repr=False)
    discovery: Discovery | None = None
    _node: ElasticsearchNode | None = field(default=None, repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What it is called, among all that a run has started."""
        return f"shipper-{self.service}"

    @property
    def url(self) -> str:
        """The address of its metrics."""
        return f"http://{self.place.address}/metrics"

    @property
    def node(self) -> ElasticsearchNode:
        """Where its records go; only of one that ships."""
        assert self._node is not None, f"{self.name} does not ship yet"
        return self._node

    def ship_to(self, node: ElasticsearchNode) -> None:
        """Start it, and have Prometheus find it.

        Raises:
            stack.processes.ProcessError: it runs already.
        """
        self._node = node
        self.start()
        if self.discovery:
            self.discovery.announce()

    def start(self) -> None:
        """Start it, or start it again once it has ended.

        Raises:
            stack.processes.ProcessError: it runs already.
        """
        host, port = self.place.host, str(self.place.port)
        self._process = self.processes.start(
            self.name,
            [
                *SHIP,
                str(self.log_file),
                *("--state-directory", str(self.directory)),
                *("--metrics-address", host, "--metrics-port", port),
                *("--max-age-seconds", str(GATHERS_SECONDS)),
            ],
            log=self.directory / "shipper.log",
            env=asking(self.node),
        )

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
