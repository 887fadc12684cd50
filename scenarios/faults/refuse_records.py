"""Records stand in the log that the index can't take: a field of theirs is of another type."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import witnessed
from scenarios.faults.shipping import shipper_of
from scenarios.log_index import REFUSED, counters_of
from scenarios.target import Target

PER_SECOND = 4.0
"""As many as a service with little load makes; each is refused by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseRecords:
    """Write records whose status code is a word, beside the service's own."""

    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "records are logged that Elasticsearch refuses"

    def effect(self, load: Load, service: Service) -> Effect:
        """Every one of them is refused."""
        return Effect(level=PER_SECOND)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Write until the context ends; the shipper's count of refused records is the witness."""
        shipper = shipper_of(target)
        before = counters_of(shipper)[REFUSED]
        over = threading.Event()
        writer = threading.Thread(target=_write, args=(target.log_file, over), daemon=True)
        writer.start()
        try:
            yield witnessed(
                target,
                lambda: counters_of(shipper)[REFUSED] > before,
                "the shipper counts records that the index refused",
            )
        finally:
            over.set()
            writer.join()


def _write(log_file: Path, over: threading.Event) -> None:
    while not over.wait(1 / PER_SECOND):
        record = {
            "@timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "event.id": f"refused-{uuid.uuid4().hex}",
            "http.response.status_code": "none of that",
        }
        with log_file.open("ab") as file:  # one write, as the service's own lines are
            file.write(json.dumps(record).encode() + b"\n")
