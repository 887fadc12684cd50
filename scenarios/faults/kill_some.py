"""Some instances of a service are killed, while the others go on serving."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import witnessed
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSome:
    """Kill ``number`` of the instances that get no load; the repair starts them again."""

    number: int = 1
    downtime: bool = True

    @property
    def text(self) -> str:
        """What is broken."""
        return f"{self.number} of the service's instances killed"

    def effect(self, load: Load, service: Service) -> Effect:
        """The next scrape is refused."""
        if not self.number < service.instances:
            raise ValueError(f"KillSome({self.number}) needs more instances than {service}")
        return Effect()

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Kill the instances until the context ends, which waits for them to serve again."""
        victims = target.others[: self.number]
        for instance in victims:
            instance.kill()
        try:
            yield witnessed(
                target,
                lambda: not any(one.processes() for one in victims) and target.instance.serves(),
                f"no process of {len(victims)} instances is left, and the first still serves",
            )
        finally:
            # In two halves: one by one they may take longer than a group interval, at whose end
            # receivers would be told that some are back; and all at once they starve others.
            half = (len(victims) + 1) // 2
            for some in (victims[:half], victims[half:]):
                for instance in some:
                    instance.start()
                for instance in some:
                    instance.wait_serving(target.patience_seconds)
