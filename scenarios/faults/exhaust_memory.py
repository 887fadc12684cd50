"""Memory runs out: the kernel kills what holds most of it, and the service starts it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.hold_memory import HoldMemory
from scenarios.faults.process import witnessed
from scenarios.target import Target

SHARE = 0.1
"""What asks for more takes this share of the limit: more than is left, and so little that there is
room for it once the process is killed that holds most."""

TAKE = """
import sys
held = []
for _ in range(int(sys.argv[1]) >> 20):
    held.append(b"x" * (1 << 20))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExhaustMemory:
    """Hold memory at ``percent`` of the limit, and then let something else in the container ask.

    The second is the repair: the kernel kills the worker that holds the memory, and its master
    starts another.
    """

    percent: float
    downtime: bool = True

    @property
    def text(self) -> str:
        """What is broken."""
        return f"memory held at {self.percent:g} % of the limit, until the kernel ends it"

    def effect(self, load: Load, service: Service) -> Effect:
        """A state that the service samples."""
        return HoldMemory(percent=self.percent).effect(load, service)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Hold memory until the context ends, which exhausts it.

        The repair waits until the engine has told that the kernel killed for want of memory, until
        the worker is another process, and until that serves.
        """
        container = target.instance.fleet.container
        before = {process.pid for process in target.instance.processes()}
        with HoldMemory(percent=self.percent).inject(target) as held:
            yield held
            share = int(SHARE * target.memory_limit_bytes)
            container.run(["python3", "-c", TAKE, str(share)])
            witnessed(
                target,
                lambda: container.killed_for_memory,
                "the engine tells that the kernel killed for want of memory",
            )
        witnessed(
            target,
            lambda: bool({one.pid for one in target.instance.processes()} - before),
            "a new worker runs in place of the killed one",
        )
        target.instance.wait_serving(target.patience_seconds)
