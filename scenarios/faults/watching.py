"""What the faults of the watchers have in common: what a watcher itself says, in its log.

One rule: a witness is what was said after the fault began, so a log is read from there on.
"""

from __future__ import annotations

from pathlib import Path
from signal import SIGHUP

from scenarios.faults.fault import FaultDidNotBite
from scenarios.target import Target
from scenarios.watchers import Watchers
from stack.waiting import wait_until

LOADED = "Completed loading of configuration file"
"""What both say when they have."""


def watchers_of(target: Target) -> Watchers:
    """Return the watchers that a drill may break.

    Raises:
        FaultDidNotBite: the drill is not about its watchers, so it has none to break.
    """
    if target.watchers is None:
        raise FaultDidNotBite(
            f"{target.id} may not break its watchers; give its Drill a subject, so that it has a "
            "stack of its own"
        )
    return target.watchers


class LogTail:
    """What a process writes to its log from now on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._from = path.stat().st_size

    def line_with(self, text: str) -> str:
        """Return the first line that contains ``text``, or an empty one."""
        with self._path.open("rb") as log:
            log.seek(self._from)
            said = log.read().decode(errors="replace")
        return next((line for line in said.splitlines() if text in line), "")


def load_again(target: Target, component: str) -> None:
    """Let ``prometheus`` or ``alertmanager`` load its files, and wait until it says that it has.

    Raises:
        WaitTimeout: it did not within the target's patience.
    """
    watchers = watchers_of(target)
    log = LogTail(watchers.log(component))
    watchers.send(component, SIGHUP)
    wait_until(
        lambda: log.line_with(LOADED) or None,
        what=f"{component} to load its configuration again; look: tail {watchers.log(component)}",
        timeout_seconds=target.patience_seconds,
    )
