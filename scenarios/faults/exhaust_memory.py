"""Memory runs out: the kernel kills what holds most of it, and the service starts it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from instrumentation.faults import contract
from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.hold_memory import seen_by_kernel
from scenarios.faults.process import witnessed
from scenarios.faults.request import carried
from scenarios.target import Target

LEASE_SECONDS = 8.0
"""How long the service holds the memory after the last request that asked for it: longer than the
rest of the limit takes to be asked for on a busy machine."""

SHARE = 0.1
"""What asks for more takes this share of the limit: more than is left, and so little that there is
room for it once the process is killed that holds most."""

TAKE = """
import sys, time
with open("/proc/self/oom_score_adj", "w") as file:
    file.write("400")
held = []
for _ in range(int(sys.argv[1]) >> 20):
    held.append(b"x" * (1 << 20))
    time.sleep(0.05)
"""
"""The kernel takes a few milliseconds to give back what a killed process held, and whoever asks
meanwhile has another one killed. So this takes its time, and would be that one: it counts as if it
held 40 % of the limit more (proc(5)), less than the worker holds and more than all others do."""


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
        """A state that the service samples; it ends with the process that holds the memory."""
        return Effect(probed=True)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Hold memory until the context ends, which exhausts it.

        The repair waits until the engine has told that the kernel killed for want of memory, until
        the worker is another process, and until that serves.
        """
        container = target.instance.fleet.container
        before = {process.pid for process in target.instance.processes()}
        wire = contract.fault_to_json(
            contract.HoldMemory(percent=self.percent, seconds=LEASE_SECONDS)
        )
        with carried(target, wire, share=1.0):
            yield seen_by_kernel(target, self.percent)
        # No request asks for it any more, or the next worker would hold it too.
        container.run(["python3", "-c", TAKE, str(int(SHARE * target.memory_limit_bytes))])
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
