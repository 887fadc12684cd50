"""What a game day needs of whatever runs its drills: to look, to stop, and the histories.

One rule: who guards, shows and records does not know whose service is broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from scenarios.drill import Plan
from scenarios.history import History, Recorder
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """What finished drills leave: plans and histories by drill, and of each its control's."""

    plans: Mapping[str, Plan]
    histories: Mapping[str, History]
    controls: Mapping[str, History]


class Breaking(Protocol):
    """Drills that are up and wait to begin, or go on."""

    plans: dict[str, Plan]

    @property
    def targets(self) -> dict[str, Target]:
        """What each drill breaks."""

    @property
    def drilled(self) -> Mapping[str, Recorder]:
        """Every drill's history while it is being written, by drill, with those of no drill."""

    def stop(self, reason: str) -> None:
        """End every fault at once, and let no further drill begin; the histories say why."""
