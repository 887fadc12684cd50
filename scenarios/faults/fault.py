"""What a fault is: inject, confirm that it bit, yield the witness, and repair, whatever happens.

A fault never judges an alert: its witness comes from outside the alert path.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, runtime_checkable

from scenarios.conditions import Load, Service
from scenarios.target import Target


class FaultDidNotBite(Exception):
    """The fault was injected, and nothing outside the alert path shows that it took effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """Evidence that a fault bit.

    Attributes:
        at: when the effect was there, in seconds since the epoch.
        text: what was seen, for a person.
    """

    at: float
    text: str

    @classmethod
    def now(cls, text: str) -> Witness:
        """Return a witness of what holds at this moment."""
        return cls(at=time.time(), text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a fault does to the drilled rule's signal, which the bounds are computed from.

    Attributes:
        level: the signal's steady value while the fault lasts, in the unit of the rule's threshold
            (a share of requests for a ratio or a quantile); ``None`` where the signal is a state
            that changes at once rather than an average over a window.
        fills: the share of the rule's window that the fault must fill before the rule holds, where
            it does not follow from ``level``: 1 where nothing else may be left in the window.
        builds: how long the signal takes from the first sign of the fault to its level.
        drains: whether the rule holds on until the fault has left its window; ``False`` where the
            rule has another condition, which the repair ends at once.
        lingers: how long after the repair began the fault may still act (requests in flight, a
            lease that runs out).
        probed: whether the service itself looks at the signal only every so often.
        discovered: whether Prometheus learns of it through service discovery.
        times_out: whether a scrape sees it only by running into its time-out.
        given_up: an alert whose notifications fail, where the signal is that Alertmanager has given
            one up.
        longest_response: the longest time that one request is held by this fault.
        cores: how much of the machine's processors it takes, beside what its load costs.
        occupies: whether the signal is the share of the threads that requests occupy, of which
            there must then be no more than it takes.
    """

    level: float | None = None
    fills: float | None = None
    builds: timedelta = timedelta(0)
    drains: bool = True
    lingers: timedelta = timedelta(0)
    probed: bool = False
    discovered: bool = False
    times_out: bool = False
    given_up: str = ""
    longest_response: timedelta = timedelta(0)
    cores: float = 0.0
    occupies: bool = False


@runtime_checkable
class Fault(Protocol):
    """Something broken on purpose, which carries its own repair."""

    @property
    def text(self) -> str:
        """What is broken, in a few words for a person."""
        ...

    @property
    def downtime(self) -> bool:
        """Whether the service can't be scraped while the fault lasts."""
        ...

    def effect(self, load: Load, service: Service) -> Effect:
        """Return what this fault does to the drilled signal under these conditions."""
        ...

    def inject(self, target: Target) -> AbstractContextManager[Witness]:
        """Break ``target``; the context's exit repairs it and waits until it is repaired.

        Raises:
            FaultDidNotBite: no witness within :attr:`Target.patience_seconds`.
        """
        ...
