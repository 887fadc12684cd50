"""Shows which drill is in which phase, elapsed against its bound, while drills run.

One rule: on a terminal one live table; elsewhere one line a phase, so that a CI log stays short.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from scenarios.drill import Plan
from scenarios.saying import SayLine, SayPhase

REFRESHES_PER_SECOND = 4


class Shown(Protocol):
    """What shows the phases of a run's drills while the context lasts."""

    def reporter(self, name: str) -> SayPhase:
        """Return what a drill calls at each phase with the phase and its bound in seconds."""

    def close(self) -> None:
        """Show no more. Closing twice does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


@dataclass(slots=True)
class _Row:
    phase: str = "waiting"
    limit: float = 0.0
    since: float = 0.0


class Progress:
    """The state of every drill, drawn while the context lasts."""

    def __init__(self, plans: Mapping[str, Plan], say: SayLine) -> None:
        self._rows = {name: _Row(since=time.monotonic()) for name in plans}
        self._say = say
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        console = Console(file=sys.__stderr__)
        self._live = (
            Live(
                get_renderable=self._table,
                console=console,
                refresh_per_second=REFRESHES_PER_SECOND,
                transient=True,
            )
            if console.is_terminal
            else None
        )

    def reporter(self, name: str) -> SayPhase:
        """Return what a drill calls at each phase with the phase and its bound in seconds."""

        def report(phase: str, limit_seconds: float) -> None:
            with self._lock:
                now = time.monotonic()
                self._rows[name] = _Row(phase=phase, limit=limit_seconds, since=now)
            if self._live is None:
                self._say(f"{now - self._begun:6.1f} s  {name:<32} {phase}{_bound(limit_seconds)}")

        return report

    def close(self) -> None:
        """Draw no more. Closing twice does nothing."""
        if self._live:
            self._live.stop()

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for heading in ("drill", "phase", "elapsed", "bound"):
            table.add_column(
                heading, justify="right" if heading in ("elapsed", "bound") else "left"
            )
        now = time.monotonic()
        with self._lock:
            for name, row in self._rows.items():
                elapsed = "" if row.phase == "done" else f"{now - row.since:.1f} s"
                bound = f"{row.limit:.1f} s" if row.limit else ""
                table.add_row(name, row.phase, elapsed, bound)
        return table


def _bound(limit_seconds: float) -> str:
    return f" (bound {limit_seconds:.1f} s)" if limit_seconds else ""
