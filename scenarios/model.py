"""The language in which a scenario is written: plain data, no behaviour, readable top to bottom.

One rule: nothing here knows how a drill is run or judged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from scenarios.conditions import Load, Service, steady
from scenarios.faults.fault import Fault

MAIN = "main"
"""The stack in which all alerts are judged at the run's own time scale."""


BUDGETS = "budgets"
"""The stack in which error budgets are judged, whose windows are days: at a time scale of its own,
the largest that their shortest window bears, over a past that is made beforehand."""

JOB = "softfactory"
"""The ``job`` label of services, as production's Prometheus scrapes them."""

WATCHERS = ("prometheus", "alertmanager", "monitoring")
"""The ``service`` labels of what watches (``stack/prometheus-config.yml``, the rules)."""

WATCHDOG = "Watchdog"
"""The alert that always fires, and that nothing inhibits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Precondition:
    """An alert that must have fired, and have been delivered, before the fault is injected."""

    alert: str
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One fault with its load, and which alerts must, may and must not fire.

    Attributes:
        alert: the alert rule that is drilled.
        cause: what tells this drill from the alert's others ("killed"); empty for an only one.
        fires: whether the alert must fire; ``False`` makes the drill a twin that must stay quiet.
        may_fire: alerts that this fault may raise beside the drilled one, in the same service; with
            a subject, also in the service whose watchers are broken.
        hushes: alerts that must fire and be inhibited by the drilled one while it fires.
        uncovers: of those, the alerts that must be told once the drilled one hushes them no more,
            and must then resolve as well.
        after: an alert that must have been delivered before the fault is injected.
        loaded_for: for how long, in production's time, the load must have flowed before the fault.
        requires: capabilities without which the drill is NOT APPLICABLE.
        stack: which stack watches the drill; drills of one stack share it.
        subject: the ``service`` label of an alert about the watchers themselves (``prometheus``,
            ``alertmanager``, ``monitoring``). Such a drill breaks its watchers, so that it has a
            stack of its own.
        synthetic: whether nothing is broken, and series are played instead.
        heartbeat: whether the alert always fires, so that its absence is what must be noticed
            (``scenarios.heartbeat``).
        alias: under which name it is drilled where the name must not tell what breaks.
    """

    alert: str
    fault: Fault
    cause: str = ""
    load: Load = field(default_factory=lambda: steady(per_second=1))
    service: Service = field(default_factory=Service)
    fires: bool = True
    may_fire: frozenset[str] | set[str] = frozenset()
    hushes: frozenset[str] | set[str] = frozenset()
    uncovers: frozenset[str] | set[str] = frozenset()
    after: Precondition | None = None
    loaded_for: timedelta = timedelta(0)
    requires: frozenset[str] | set[str] = frozenset()
    stack: str = MAIN
    subject: str = ""
    heartbeat: bool = False
    alias: str = ""
    synthetic: bool = False

    @property
    def id(self) -> str:
        """The drill's name: its alias, or the drilled alert's name and no other's in it."""
        return self.alias or self.name

    @property
    def name(self) -> str:
        """The scenario's own name, with the drilled alert's name and no other's in it."""
        return f"{self.alert}-{self.cause}" if self.cause else self.alert

    @property
    def alarms(self) -> bool:
        """Whether the alert must begin to fire after the fault."""
        return self.fires and not self.heartbeat

    @property
    def label(self) -> str:
        """The ``service`` label of the drilled alert."""
        return self.subject or self.id

    @property
    def watched_by(self) -> str:
        """The name of the stack that watches this drill."""
        return self.id if self.subject else self.stack

    @property
    def declared(self) -> frozenset[str]:
        """Every alert that may fire for this drill's service."""
        earlier = {self.after.alert} if self.after else set()
        return (
            frozenset({self.alert} if self.fires else set()) | self.may_fire | self.hushes | earlier
        )
