"""A share of the requests fails with a server error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from instrumentation.faults import contract
from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.request import asked, carried, seen_by_clients
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """Answer ``share`` of the requests, or of those named in ``only``, with ``status``.

    ``fills`` is the share of the rule's window that must hold nothing but errors, where the rule
    asks for that rather than for a ratio.
    """

    share: float
    status: int = 500
    only: tuple[str, ...] = ()
    fills: float | None = None
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return f"{self.share:.0%} of {asked(self.only)} fail with {self.status}"

    def effect(self, load: Load, service: Service) -> Effect:
        """A share of failed requests; with ``only``, of what those requests are there for."""
        return Effect(level=self.share, fills=self.fills)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Fail requests until the context ends; the first error a client gets is the witness."""
        wire = contract.fault_to_json(contract.Error(status=self.status))
        with carried(target, wire, self.share, self.only) as begun:
            yield seen_by_clients(
                target,
                after=begun,
                bit=lambda sample: str(self.status) in sample.faulted.statuses,
                text=f"answers with status {self.status}",
            )
