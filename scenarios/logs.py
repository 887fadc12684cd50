"""What takes a run's logs to Elasticsearch: its nodes, and a shipper for each service that has one.

One rule: it is there only where a drill or a check asks for it, and it ships as production would,
by the commands that a person runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.target import Discovery
from stack.launch.elasticsearch import ElasticsearchNode
from stack.ports import Place, reserve
from stack.processes import ProcessError, Processes

SHARED_NODE = "elasticsearch"
"""The node of all services that have none of their own."""

READY_SECONDS = 120.0
"""Patience with a node's start: three seconds on an idle machine, and ten times as long where it
yields to two busy processors."""

SETUP_SECONDS = 120.0
"""Patience with the installation of an index template, which waits for that node."""


MakeNode = Callable[[str, Path], ElasticsearchNode]
"""Returns a node of that name which keeps its files in that folder; it is not started yet."""


class LogsFailed(Exception):
    """Logs can't be shipped: what did not come up, and where to look."""


@dataclass(slots=True, kw_only=True)
class Shipper:
    """What ships one service's log; it goes on when it is started again.

    Attributes:
        log_file: what it follows.
        node: where its records go.
        port: where its metrics are.
        directory: where its checkpoint and its dead letters are.
        discovery: the file through which Prometheus finds it, where it shall.
    """

    name: str
    log_file: Path
    node: ElasticsearchNode
    place: Place
    directory: Path
    processes: Processes = field(repr=False)
    discovery: Discovery | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The address of its metrics."""
        return f"http://{self.place.address}/metrics"

    def start(self) -> None:
        """Start it, or start it again once it has ended.

        Raises:
            stack.processes.ProcessError: it runs already.
        """
        self._process = self.processes.start(
            self.name,
            [
                *(sys.executable, "-m", "stack.logs", "ship", str(self.log_file)),
                *("--state-directory", str(self.directory)),
                *("--metrics-address", self.place.host),
                *("--metrics-port", str(self.place.port)),
            ],
            log=self.directory / "shipper.log",
            env={**os.environ, "ELASTICSEARCH_URL": self.node.url},
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


class Logs:
    """The nodes and shippers of one run; :meth:`start` them once all are known."""

    def __init__(self, processes: Processes, directory: Path) -> None:
        self._processes = processes
        self._directory = directory
        self._make: MakeNode | None = None
        self._running = ExitStack()
        self._nodes: dict[str, ElasticsearchNode] = {}
        self._ticks: dict[int, int] = {}
        self._shippers: list[Shipper] = []
        self._starting: threading.Thread | None = None
        self._failed: Exception | None = None

    def open(self, running: ExitStack, make: MakeNode) -> None:
        """Have nodes made by ``make``, which all end with the run."""
        self._make = make
        self._running = running

    @property
    def node(self) -> ElasticsearchNode:
        """The node of all services that have none of their own."""
        return self._node(SHARED_NODE)

    def shipper(
        self,
        *,
        service: str,
        log_file: Path,
        own_node: bool,
        place: Place,
        directory: Path,
        discovery: Discovery | None,
    ) -> Shipper:
        """Return what will ship a service's log; nothing is started yet."""
        node = self._node(f"{SHARED_NODE}-{service}" if own_node else SHARED_NODE)
        shipper = self._to(node, service, log_file, place, directory, discovery)
        self._shippers.append(shipper)
        return shipper

    @contextmanager
    def shipping(self, name: str, log_file: Path) -> Iterator[Shipper]:
        """Ship one more file to the shared node while the context lasts.

        Raises:
            LogsFailed, stack.processes.ProcessError: it can't be shipped.
        """
        with reserve() as place:
            directory = self._directory / "shippers" / name
            shipper = self._to(self.node, name, log_file, place, directory)
            shipper.start()
            try:
                yield shipper
            finally:
                self._processes.stop(shipper.name)

    def _to(
        self,
        node: ElasticsearchNode,
        name: str,
        log_file: Path,
        place: Place,
        directory: Path,
        discovery: Discovery | None = None,
    ) -> Shipper:
        return Shipper(
            name=f"shipper-{name}",
            log_file=log_file,
            node=node,
            place=place,
            directory=directory,
            discovery=discovery,
            processes=self._processes,
        )

    def processor_ticks(self) -> int:
        """Return the processor time that all nodes have used so far, in the kernel's ticks.

        They yield to all else of the run.
        """
        for node in tuple(self._nodes.values()):
            if node.pid is not None:
                self._ticks[node.pid] = ticks_of(node.pid, otherwise=self._ticks.get(node.pid, 0))
        return sum(self._ticks.values())

    def start(self) -> None:
        """Start every node, and the shippers once theirs take records; nothing is waited for."""
        if not self._nodes:
            return
        for node in self._nodes.values():
            node.start()
        self._running.callback(self._stop_shippers)  # before their nodes, or they could not drain
        self._starting = threading.Thread(target=self._start_shippers, name="logs", daemon=True)
        self._starting.start()

    def wait_ready(self) -> None:
        """Wait until everything ships.

        Raises:
            LogsFailed: something did not come up.
        """
        if self._starting:
            self._starting.join()
        if self._failed:
            raise LogsFailed(f"logs can't be shipped: {self._failed}") from self._failed

    def _start_shippers(self) -> None:
        try:
            for node in self._nodes.values():
                node.wait_ready(READY_SECONDS)
                set_up(node)
            for shipper in self._shippers:
                shipper.start()
                if shipper.discovery:
                    shipper.discovery.announce()
        except Exception as error:  # noqa: BLE001 - raised where somebody waits for the logs
            self._failed = error

    def _stop_shippers(self) -> None:
        self._processes.stop(*(one.name for one in self._shippers if one.started))

    def _node(self, name: str) -> ElasticsearchNode:
        if name not in self._nodes:
            if self._make is None:
                raise LogsFailed("a service ships its log, and no Elasticsearch was looked for")
            node = self._make(name, self._directory / name)
            self._nodes[name] = self._running.enter_context(node)
        return self._nodes[name]


def ticks_of(pid: int, *, otherwise: int) -> int:
    """Return the ticks of processor time that a process has used; ``otherwise`` once it is gone.

    Of /proc/PID/stat: utime and stime (proc(5)), counted behind the name, which may hold spaces.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return otherwise
    return int(fields[11]) + int(fields[12])


def set_up(node: ElasticsearchNode) -> None:
    """Install index template and retention, as a person does.

    Raises:
        LogsFailed: they were refused, or not installed in time.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "stack.logs", "setup"],
            env={**os.environ, "ELASTICSEARCH_URL": node.url},
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
