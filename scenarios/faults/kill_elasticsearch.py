"""Elasticsearch is killed under load, and comes back with what it had."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import witnessed
from scenarios.faults.shipping import shipper_of
from scenarios.nodes import READY_SECONDS
from scenarios.target import Target
from stack.logs.shipping.backoff import CAP_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class KillElasticsearch:
    """Kill the service's own node with SIGKILL; the repair starts it again on its data."""

    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "Elasticsearch is killed"

    def effect(self, load: Load, service: Service) -> Effect:
        """Nothing may be shipped in the whole window; the first record that is shipped ends it."""
        # Whoever failed just before the repair tries again after its pause, which no scale divides.
        return Effect(fills=1.0, drains=False, lingers=timedelta(seconds=CAP_SECONDS))

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Kill it until the context ends, which waits until it takes records again.

        The kernel is the witness: it tells the status with which the process has ended.
        """
        node = shipper_of(target).node
        process = node.process
        process.send_signal(signal.SIGKILL)
        try:
            yield witnessed(
                target,
                lambda: process.poll() is not None,
                "the process of Elasticsearch has ended",
            )
        finally:
            node.start()
            node.wait_ready(READY_SECONDS)
