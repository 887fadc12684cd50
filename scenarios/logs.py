"""What takes a run's logs to Elasticsearch: its nodes, and a shipper for each service that has one.

One rule: it is there only where a drill or a check asks for it, and it ships as production would,
by the commands that a person runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from scenarios.beside import Beside, Once
from scenarios.shipper import LogsFailed, Shipper
from scenarios.target import Discovery
from scenarios.weight import YIELDING_WEIGHT
from stack.launch.elasticsearch import ElasticsearchNode
from stack.ports import Place
from stack.processes import Processes

SHARED_NODE = "elasticsearch"
"""The node of all services that have none of their own."""

READY_SECONDS = 120.0
"""Patience with a node's start: three seconds on an idle machine, and ten times as long where it
yields to two busy processors."""

SETUP_SECONDS = 120.0
"""Patience with the installation of an index template, which waits for that node."""

NODE_SECONDS = 8.0
"""How long a node takes until it holds records, beside drills: three seconds where it is alone."""

MakeNode = Callable[[str, Path], ElasticsearchNode]
"""Returns a node of that name which keeps its files in that folder; it is not started yet."""


class Logs:
    """The nodes and shippers of one run; a node comes up when something is first shipped to it."""

    def __init__(self, processes: Processes, directory: Path) -> None:
        self._processes = processes
        self._directory = directory
        self._make: MakeNode | None = None
        self._running = ExitStack()
        self._nodes: dict[str, ElasticsearchNode] = {}
        self._coming_up: dict[ElasticsearchNode, Once[None]] = {}
        self._ticks: dict[int, int] = {}
        self._shippers: list[Shipper] = []
        self._handed_over: dict[str, Shipper] = {}
        self.handing_over = Beside(
            self._ship_what_was_handed_over, seconds=NODE_SECONDS, weight=YIELDING_WEIGHT
        )

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
        shipper = Shipper(
            name=f"shipper-{service}",
            log_file=log_file,
            node=node,
            place=place,
            directory=directory,
            discovery=discovery,
            processes=self._processes,
        )
        self._shippers.append(shipper)
        return shipper

    def hand_over(self, name: str, text: str) -> None:
        """Have one more log shipped to the shared node, by :attr:`handing_over`."""
        directory = self._directory / "handed-over" / name
        directory.mkdir(parents=True)
        log_file = directory / f"{name}.log"
        log_file.write_text(text)
        self._handed_over[name] = Shipper(
            name=f"shipper-{name}",
            log_file=log_file,
            node=self.node,
            directory=directory / "shipper",
            processes=self._processes,
        )

    def handed_over(self, name: str) -> Shipper:
        """Return what shipped a log that was handed over, once all of them are shipped.

        Raises:
            LogsFailed: they could not be.
        """
        _done(self.handing_over, otherwise="what checks hand over can't be shipped")
        return self._handed_over[name]

    def processor_ticks(self) -> int:
        """Return the processor time that all nodes have used so far, in the kernel's ticks.

        They yield to all else of the run.
        """
        for node in tuple(self._nodes.values()):
            if node.pid is not None:
                self._ticks[node.pid] = ticks_of(node.pid, otherwise=self._ticks.get(node.pid, 0))
        return sum(self._ticks.values())

    def end_shippers_first(self) -> None:
        """Have shippers end before their nodes, or they could not drain: all nodes are made now."""
        self._running.callback(self._stop_shippers)

    def ship(self, shipper: Shipper) -> None:
        """Have a service's log shipped, to a node that was brought up for it or is up already.

        Raises:
            LogsFailed: it can't be.
        """
        _done(self._coming_up[shipper.node], otherwise="logs can't be shipped")
        shipper.start()
        if shipper.discovery:
            shipper.discovery.announce()

    def _ship_what_was_handed_over(self) -> None:
        if self._handed_over:
            self._coming_up[self.node].done()
        for shipper in self._handed_over.values():
            shipper.ship_what_is_there()

    def _stop_shippers(self) -> None:
        self._processes.stop(*(one.name for one in self._shippers if one.started))

    def _node(self, name: str) -> ElasticsearchNode:
        if name not in self._nodes:
            if self._make is None:
                raise LogsFailed("a service ships its log, and no Elasticsearch was looked for")
            node = self._running.enter_context(self._make(name, self._directory / name))
            self._nodes[name] = node
            self._coming_up[node] = Once(partial(_start, node))
        return self._nodes[name]


def _start(node: ElasticsearchNode) -> None:
    node.start()
    node.wait_ready(READY_SECONDS)
    set_up(node)


def _done(work: Once[None], *, otherwise: str) -> None:
    """Do the work, or wait for who does it; say ``otherwise`` where it could not be done."""
    try:
        work.done()
    except Exception as error:  # whatever it was, this is where it is said
        raise LogsFailed(f"{otherwise}: {error}") from error


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
