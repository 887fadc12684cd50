"""Requests that burn CPU, metered by thread time, against a small configured limit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from instrumentation.faults import contract
from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, FaultDidNotBite, Witness
from scenarios.faults.request import carried
from scenarios.kernel import cpu_seconds
from scenarios.target import Target
from stack.waiting import WaitTimeout, wait_until

LOOK_SECONDS = 0.5
"""The shortest time over which the kernel's figure is read: its tick is 10 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnCPU:
    """Let every request burn ``seconds`` of CPU time.

    The kernel must count more than ``witness_ratio`` of the limit.
    """

    seconds: float
    witness_ratio: float = 1.0
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return f"every request burns {self.seconds * 1000:g} ms of CPU time"

    def effect(self, load: Load, service: Service) -> Effect:
        """The CPU time that the requests burn, also as a ratio of the limit."""
        limit = service.cpu_quota_cores or service.cpu_limit_cores
        if not limit:
            raise ValueError("BurnCPU needs a service with cpu_limit_cores or cpu_quota_cores")
        cores = load.per_second * self.seconds
        return Effect(level=cores / limit, cores=cores)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Burn CPU until the context ends; the kernel's account of it is the witness."""
        wire = contract.fault_to_json(contract.BurnCPU(seconds=self.seconds))
        with carried(target, wire, share=1.0):
            yield _seen_by_kernel(target, self.witness_ratio)


def _seen_by_kernel(target: Target, ratio: float) -> Witness:
    family = target.instance.processes()
    begun, used_before = time.monotonic(), cpu_seconds(family)

    def probe() -> float | None:
        elapsed = time.monotonic() - begun
        if elapsed < LOOK_SECONDS:
            return None
        used = (cpu_seconds(family) - used_before) / elapsed / target.cpu_limit_cores
        return used if used > ratio else None

    try:
        used = wait_until(
            probe,
            what=f"{target.id} to use {ratio:.0%} of its limit of {target.cpu_limit_cores:g} cores",
            timeout_seconds=target.patience_seconds,
            interval_seconds=0.05,
        )
    except WaitTimeout as error:
        raise FaultDidNotBite(str(error)) from error
    return Witness.now(f"the kernel counts {used:.0%} of the CPU limit")
