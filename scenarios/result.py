"""What a finished run leaves to the judges and the report, and where it left it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.drill import Plan
from scenarios.history import History
from scenarios.site import CONTROL
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
class Result:
    """What a finished run leaves to the judges and the report.

    Attributes:
        plans: what was drilled, by drill id.
        histories: what happened, by service, the control's among them.
        strangers: what belongs to no service of the run.
        phases: how long each phase took, in seconds.
        derived: the configuration of the run.
        tools: what it ran on.
    """

    plans: Mapping[str, Plan]
    histories: Mapping[str, History]
    strangers: History
    phases: Mapping[str, float]
    derived: Derived
    tools: Tools

    @property
    def control(self) -> History:
        """The history of the service that nobody broke."""
        return self.histories[CONTROL]


def work_directory(reports: Path) -> Path:
    """Return a new folder for one run below the reports, named by time and process."""
    stamp = time.strftime("%Y-%m-%dT%H%M%S")
    return reports / "runs" / f"{stamp}-{os.getpid()}"
