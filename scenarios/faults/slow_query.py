"""Every request's first statement is slow, so that the connections of the pool run out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from instrumentation.faults import contract
from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.request import carried, seen_by_clients
from scenarios.target import Target

POOL_SIZE = "DATABASE_POOL_SIZE"
"""The service's variable for how many connections it may have at once."""

WAITING_RATIO = 0.5
"""How much longer an answer may take, as a share of what its connection is held for: whoever finds
all connections in use waits for the next one that is returned, and few do below the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowQuery:
    """Hold every request's connection for ``seconds``: rate x seconds of them are in use."""

    seconds: float
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return f"every request holds its database connection for {self.seconds:g} s"

    def effect(self, load: Load, service: Service) -> Effect:
        """The share of the pool that is in use (Little's law), once as many requests came.

        As requests come evenly, so many connections are in use that it is one of the two whole
        numbers beside the average; ``level`` is the smaller one's share, seen at a bad moment.
        """
        if (size := service.environment.get(POOL_SIZE)) is None:
            raise ValueError(f"SlowQuery needs a service with {POOL_SIZE} in its environment")
        in_use = load.per_second * self.seconds
        if in_use >= int(size):
            raise ValueError(
                f"{load.per_second:g} requests/s that hold a connection for {self.seconds:g} s "
                f"need {in_use:g} of a pool of {size}, and the queue for it would grow for ever; "
                "hold them shorter"
            )
        held = timedelta(seconds=self.seconds)
        return Effect(
            level=math.floor(in_use) / int(size),
            builds=held,
            lingers=held,
            longest_response=held * (1 + WAITING_RATIO),
        )

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Slow statements until the context ends; the first late answer is the witness."""
        wire = contract.fault_to_json(contract.SlowQuery(seconds=self.seconds))
        with carried(target, wire, share=1.0) as begun:
            yield seen_by_clients(
                target,
                after=begun,
                bit=lambda sample: (sample.faulted.max_ms or 0) >= self.seconds * 1000,
                text=f"answers whose first statement took at least {self.seconds:g} s",
            )
