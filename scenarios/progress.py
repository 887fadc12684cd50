"""Shows which drill is in which phase, elapsed against its bound, while drills run.

One rule: on a terminal one live table; elsewhere one line a phase, so that a CI log stays short.
"""

from __future__ import annotations

import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from scenarios.drill import Plan
from scenarios.saying import SayLine, SayPhase

REFRESHES_PER_SECOND = 4

NUMBERS = frozenset({"elapsed", "bound"})
"""The headings of columns of numbers."""


@dataclass(slots=True)
class Row:
    """One drill: its phase, the phase's bound in seconds (0.0 for none), and since when."""

    phase: str = "waiting"
    limit: float = 0.0
    since: float = 0.0

    def elapsed(self, now: float) -> str:
        """Return how long the phase has taken; "" once all is done."""
        return "" if self.phase == "done" else f"{now - self.since:.1f} s"

    @property
    def bound(self) -> str:
        """The phase's bound, for a table."""
        return f"{self.limit:.1f} s" if self.limit else ""


class Shown(ABC):
    """What shows the phases of a run's drills while the context lasts."""

    def __init__(self, say: SayLine, console: Console, *, live: bool) -> None:
        """Draw on ``console`` if ``live``, from the context's beginning on; else ``say`` lines."""
        self._say = say
        self._begun = time.monotonic()
        self._console = console if live else None
        self._drawn: Live | None = None

    @abstractmethod
    def reporter(self, name: str) -> SayPhase:
        """Return what a drill calls at each phase with the phase and its bound in seconds."""

    @abstractmethod
    def _table(self) -> Table:
        """Return what is drawn now."""

    def close(self) -> None:
        """Show no more. Closing twice does nothing."""
        if self._drawn:
            self._drawn.stop()

    def __enter__(self) -> Self:
        if self._console:
            self._drawn = Live(
                get_renderable=self._table,
                console=self._console,
                refresh_per_second=REFRESHES_PER_SECOND,
                transient=True,
            )
            self._drawn.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _line(self, name: str, text: str) -> None:
        self._say(f"{time.monotonic() - self._begun:6.1f} s  {name:<32} {text}")


class Progress(Shown):
    """The state of every drill, on the terminal that the run was started from."""

    def __init__(self, plans: Mapping[str, Plan], say: SayLine) -> None:
        console = Console(file=sys.__stderr__)
        super().__init__(say, console, live=console.is_terminal)
        self._rows = {name: Row(since=time.monotonic()) for name in plans}
        self._lock = threading.Lock()

    def reporter(self, name: str) -> SayPhase:
        """Return what a drill calls at each phase with the phase and its bound in seconds."""

        def report(phase: str, limit_seconds: float) -> None:
            with self._lock:
                self._rows[name] = Row(phase=phase, limit=limit_seconds, since=time.monotonic())
            if not self._console:
                self._line(name, with_bound(phase, limit_seconds))

        return report

    def _table(self) -> Table:
        table = table_of("drill", "phase", "elapsed", "bound")
        now = time.monotonic()
        with self._lock:
            for name, row in self._rows.items():
                table.add_row(name, row.phase, row.elapsed(now), row.bound)
        return table


def table_of(*headings: str, caption: str | None = None) -> Table:
    """Return an empty table without lines; what is a number stands at the right."""
    table = Table(box=None, pad_edge=False, caption=caption)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in NUMBERS else "left")
    return table


def with_bound(phase: str, limit_seconds: float) -> str:
    """Return a phase as a line says it, with its bound in seconds if it has one."""
    return f"{phase} (bound {limit_seconds:.1f} s)" if limit_seconds else phase
