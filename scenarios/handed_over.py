"""Logs that checks hand over: each is written, shipped whole, and then looked at.

One rule: they have the run's whole time, so that one process ships them all in what is left of the
machine, by the command that a person ships old logs with.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scenarios.nodes import LogsFailed, asking
from scenarios.shipper import SHIP
from stack.launch.elasticsearch import ElasticsearchNode
from stack.logs.shipping.settings import STATE_DIRECTORY
from stack.processes import Processes
from stack.yielding import yielding

YIELDING = yielding(19, own_session=True)
"""Nobody's scrape must wait for what has the run's whole time."""

PATIENCE_SECONDS = 300.0
"""Patience with what ships logs and ends, which takes a second or two where it has a processor."""

SHIPS_WHOLE = "shipper-of-handed-over"
"""The process that does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """A log that was shipped whole.

    Attributes:
        log_file: what was shipped.
        node: where its records went.
    """

    log_file: Path
    node: ElasticsearchNode

    @property
    def directory(self) -> Path:
        """Where the shipper's dead letters are."""
        return self.log_file.parent / STATE_DIRECTORY


def ship_whole(
    logs: Mapping[str, str], node: ElasticsearchNode, directory: Path, processes: Processes
) -> dict[str, HandedOver]:
    """Write each log, by name, to a folder of its own below ``directory``, and ship all to a node.

    There is one at least.

    Raises:
        LogsFailed: they could not be shipped.
        OSError: they could not be written.
    """
    written = {
        name: HandedOver(log_file=directory / name / f"{name}.log", node=node) for name in logs
    }
    for name, one in written.items():
        one.log_file.parent.mkdir(parents=True)
        one.log_file.write_text(logs[name])
    said = directory / "shipper.log"
    files = (str(one.log_file) for one in written.values())
    process = processes.start(
        SHIPS_WHOLE, [*YIELDING, *SHIP, *files, "--once"], log=said, env=asking(node)
    )
    try:
        status = process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired as error:
        processes.stop(SHIPS_WHOLE)
        raise LogsFailed(
            f"{SHIPS_WHOLE}: no end within {error.timeout:.0f} s; see {said}"
        ) from None
    if status:
        raise LogsFailed(f"{SHIPS_WHOLE} ended with status {status}; see {said}")
    return written
