"""What takes a run's logs to Elasticsearch: a shipper for each service that has one.

One rule: it is there only where a drill or a check asks for it, and it ships as production would,
by the commands that a person runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from scenarios.beside import Beside
from scenarios.handed_over import SHIPS_WHOLE, HandedOver, ship_whole
from scenarios.nodes import Nodes
from scenarios.shipper import Shipper
from scenarios.target import Discovery
from scenarios.weight import YIELDING_WEIGHT
from stack.ports import Place
from stack.processes import ProcessError, Processes

LAST = 1.0
"""A rank in seconds, less than anything else that asks for room: what is looked at when all drills
are over is shipped in the room that the last of them leave."""


class Logs:
    """The nodes and shippers of one run."""

    def __init__(
        self, processes: Processes, directory: Path, handed_over: Mapping[str, str] | None = None
    ) -> None:
        """Prepare to ship to nodes below ``directory``, which are opened where there are any.

        What is handed over is text, by name.
        """
        self.nodes = Nodes(directory)
        self._processes = processes
        self._directory = directory
        self._handed_over = handed_over or {}
        self._shippers: list[Shipper] = []
        self.handing_over = Beside(
            self._ship_what_was_handed_over, seconds=LAST, weight=YIELDING_WEIGHT
        )

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
        shipper = Shipper(
            service=service,
            log_file=log_file,
            own_node=own_node,
            place=place,
            directory=directory,
            discovery=discovery,
            processes=self._processes,
        )
        self._shippers.append(shipper)
        return shipper

    def ship(self, shipper: Shipper) -> None:
        """Have a service's log shipped, to a node that was brought up for it or is up already.

        Raises:
            LogsFailed: it can't be.
        """
        own = shipper.own_node
        shipper.ship_to(self.nodes.own(shipper.service) if own else self.nodes.shared())

    def leave(self, shipper: Shipper) -> None:
        """Tell that the drill of a shipper's service is over, and has repaired what it broke."""
        if shipper.own_node:
            self.nodes.leave(shipper.node)

    def handed_over(self, name: str) -> HandedOver:
        """Return a log that was handed over, once all of them are shipped.

        Raises:
            LogsFailed, OSError: they could not be.
        """
        return self.handing_over.done()[name]

    def stop_shippers(self) -> None:
        """End all that ships, which is to be done before its nodes end: it could not drain."""
        self._processes.stop(*(one.name for one in self._shippers if one.started))
        with suppress(ProcessError):  # nothing was handed over yet
            self._processes.stop(SHIPS_WHOLE)

    def _ship_what_was_handed_over(self) -> Mapping[str, HandedOver]:
        return ship_whole(
            self._handed_over,
            self.nodes.shared(),
            self._directory / "handed-over",
            self._processes,
        )
