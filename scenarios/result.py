"""What a finished run leaves to the judges and the report, and where it left it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.berth import CONTROL
from scenarios.drill import Plan
from scenarios.history import History
from scenarios.signals import Signals
from stack.derive import Derived
from stack.tools import Tools


@dataclass(slots=True)
class Phases:
    """How long each phase of the run took, in seconds, in order."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Measure one phase."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = time.monotonic() - begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """What one stack saw beside its drills.

    Attributes:
        watchers: what happened to the watchers themselves, by ``service`` label, where no drill
            is about them.
        strangers: what belongs to no service of the stack.
    """

    watchers: Mapping[str, History]
    strangers: History


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a finished run leaves to the judges and the report.

    Attributes:
        plans: what was drilled, by drill id.
        histories: what happened, by drill id, and of each control by its name.
        controls: the history of the service that nobody broke, by drill id.
        monitoring: what else each stack saw, by the stack's name.
        phases: how long each phase took, in seconds.
        derived: each stack's configuration, by the stack's name.
        tools: what it ran on.
        metric_names: the names of all series that the main stack has stored.
        starved: when, in seconds since the epoch, the machine had no processor time left.
        signals: what each drilled rule measured, by drill id, for a picture.
        repeated: what disturbed each earlier attempt at a drill, by drill id; most have none.
    """

    plans: Mapping[str, Plan]
    histories: Mapping[str, History]
    controls: Mapping[str, History]
    monitoring: Mapping[str, Monitoring]
    phases: Mapping[str, float]
    derived: Mapping[str, Derived]
    tools: Tools
    metric_names: frozenset[str]
    starved: Sequence[float] = ()
    signals: Mapping[str, Signals] = field(default_factory=dict)
    repeated: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def control(self) -> History:
        """The history of the main stack's service that nobody broke."""
        return self.histories[CONTROL]


def work_directory(reports: Path, what: str = "") -> Path:
    """Return a folder for one run below the reports, named by time, process and ``what`` it is."""
    stamp = time.strftime("%Y-%m-%dT%H%M%S")
    return reports / "runs" / "-".join([stamp, str(os.getpid()), *([what] if what else [])])
