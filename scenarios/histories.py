"""The histories of one stack while they are being written, and once they are finished.

One rule: whatever happens under a stack is in one of them: a drill's, the control's, a watcher's,
or that of strangers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scenarios.history import History, Recorder
from scenarios.model import WATCHERS, Drill
from scenarios.result import Monitoring
from scenarios.scope import Scope

STRANGERS = "strangers"
"""The history of whatever belongs to no service of the stack."""


class Histories:
    """One recorder for each service and watcher of a stack, and one for strangers.

    Attributes:
        recorders: by the ``service`` label of what they record.
        strangers: of alerts and notifications with any other label.
    """

    def __init__(self, scope: Scope, folder: Path) -> None:
        """Record below ``folder``, in files that are called by the stack's prefix."""
        self._scope = scope
        services = [drill.label for drill in scope.drills]
        self.recorders = {
            name: Recorder(name, folder / f"{scope.prefix}{name}.jsonl")
            for name in dict.fromkeys([*services, scope.control, *WATCHERS])
        }
        self.strangers = Recorder(STRANGERS, folder / f"{scope.prefix}{STRANGERS}.jsonl")

    def of(self, drill: Drill) -> Recorder:
        """Return what records a drill."""
        return self.recorders[drill.label]

    @property
    def control(self) -> Recorder:
        """What records the service that nobody breaks."""
        return self.recorders[self._scope.control]

    @property
    def services(self) -> list[str]:
        """The services that are recorded, the control among them, without the watchers."""
        return [name for name in self.recorders if name not in WATCHERS]

    def written(self) -> Iterator[tuple[str, Recorder]]:
        """Give those that are being written: the drills' by drill, and the others by service."""
        drilled = {drill.label: drill.id for drill in self._scope.drills}
        for service, recorder in self.recorders.items():
            yield drilled.get(service, f"{self._scope.prefix}{service}"), recorder
        yield f"{self._scope.prefix}{STRANGERS}", self.strangers

    def finished(self) -> dict[str, History]:
        """Close the drills' and the control's, and return them by drill and the control's key."""
        found = {drill.id: self.of(drill).close() for drill in self._scope.drills}
        return found | {self._scope.control_key: self.control.close()}

    def monitoring(self) -> Monitoring:
        """Close those of what was seen beside the drills, and return them."""
        drilled = {drill.label for drill in self._scope.drills}
        return Monitoring(
            watchers={
                name: self.recorders[name].close() for name in WATCHERS if name not in drilled
            },
            strangers=self.strangers.close(),
        )
