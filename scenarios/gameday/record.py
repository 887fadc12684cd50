"""What a game day leaves behind: plain data, whole enough for its report.

One rule: nothing is judged or looked up here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scenarios.gameday.judgement import Impact
from scenarios.gameday.response import Said, Times
from scenarios.history import Event, Kind
from scenarios.verdict import Status, Verdict, worst

INTERRUPTED = "it was interrupted"
"""Why a game day could not go on that somebody ended before its drills could be stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRecord:
    """One drill of a game day.

    Attributes:
        name, shown_as: the scenario's name, and that under which it was drilled.
        hits: the announced blast radius, for a person.
        lasted: how long the fault lasted, in seconds; ``None`` where it never bit.
        accepted: what a guess had to name one of; empty without a facilitator.
    """

    name: str
    shown_as: str
    fault: str
    severity: str
    hits: str
    declared: tuple[str, ...]
    receivers: tuple[str, ...]
    runbook: str
    stops: str
    impact: Impact
    lasted: float | None
    verdicts: tuple[Verdict, ...]
    events: tuple[Event, ...]
    said: tuple[Said, ...] = ()
    times: Times | None = None
    accepted: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """The worst of its claims."""
        return worst(self.verdicts)

    @property
    def stopped(self) -> bool:
        """Whether it was stopped before its end."""
        return any(event.kind is Kind.STOPPED for event in self.events)

    @property
    def findings(self) -> tuple[Verdict, ...]:
        """What was not as declared; of a stopped drill, not all that it had no time to show."""
        open_claims = (Status.FAIL,) if self.stopped else (Status.FAIL, Status.UNKNOWN)
        return tuple(one for one in self.verdicts if one.status in open_claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRecord:
    """One game day.

    Attributes:
        began, ended: in seconds since the epoch.
        where: what was broken, and whose stack watched.
        stopped: why it was stopped, "" where it was not.
        failed: why it could not be begun or went on no more, "" where it did.
    """

    run: str
    began: float
    ended: float
    where: str
    time_scale: float
    facilitated: bool
    announcement: str
    stopped: str = ""
    failed: str = ""
    drills: tuple[DrillRecord, ...] = field(default_factory=tuple)

    @property
    def verdict(self) -> str:
        """What it came to, in a few words."""
        if self.failed:
            return f"could not go on: {self.failed}"
        if self.stopped:
            return f"stopped: {self.stopped}"
        others = [drill.name for drill in self.drills if drill.status is not Status.PASS]
        if not self.drills:
            return "nothing was drilled"
        if others:
            return f"something else happened than was declared: {', '.join(others)}"
        return "everything happened as it was declared"
