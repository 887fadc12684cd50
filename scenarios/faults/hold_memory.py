"""Requests that make the service hold memory up to a share of its limit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from instrumentation.faults import contract
from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, FaultDidNotBite, Witness
from scenarios.faults.request import carried
from scenarios.target import Target
from stack.waiting import WaitTimeout, wait_until

LEASE_SECONDS = 2.0
"""How long the service holds the memory after the last request that asked for it."""

TOLERANCE_PERCENT = 3.0
"""How far below the level the kernel's figure may lie and still be the effect: allocators and
shared pages move it by a few megabytes either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldMemory:
    """Hold memory until the service uses ``percent`` of its limit."""

    percent: float
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return f"memory held at {self.percent:g} % of the limit"

    def effect(self, load: Load, service: Service) -> Effect:
        """A state that the service samples; it outlives the load by the lease."""
        return Effect(lingers=timedelta(seconds=LEASE_SECONDS), probed=True)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Hold memory until the context ends; the kernel's account of it is the witness."""
        wire = contract.fault_to_json(
            contract.HoldMemory(percent=self.percent, seconds=LEASE_SECONDS)
        )
        with carried(target, wire, share=1.0):
            yield seen_by_kernel(target, self.percent)


def seen_by_kernel(target: Target, percent: float) -> Witness:
    """Wait until the kernel counts as much memory, nearly, as ``percent`` of the target's limit.

    Raises:
        FaultDidNotBite: it did not within the target's patience.
    """
    least = (percent - TOLERANCE_PERCENT) / 100 * target.memory_limit_bytes

    def probe() -> int | None:
        held = target.instance.held_bytes()
        return held if held >= least else None

    try:
        held = wait_until(
            probe,
            what=f"{target.id} to hold {least / 2**20:.0f} MiB",
            timeout_seconds=target.patience_seconds,
            interval_seconds=0.05,
        )
    except WaitTimeout as error:
        raise FaultDidNotBite(str(error)) from error
    return Witness.now(
        f"the kernel counts {held / 2**20:.0f} MiB, "
        f"{held / target.memory_limit_bytes:.0%} of the limit"
    )
