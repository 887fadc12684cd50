"""What a person sees while drills run: each one's phase, its clients' view, and what fires.

One rule: on a terminal one live table; elsewhere, or where a responder types, whole lines.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from scenarios.drill import Plan
from scenarios.gameday.stop import Seen
from scenarios.progress import Row, Shown, table_of, with_bound
from scenarios.saying import SayLine, SayPhase

CLIENT_SECONDS = 5.0
"""How often a line says what clients see, where there is no table."""

TELLING = frozenset({"steady state", "repairing", "stopped", "done", "failed to start"})
"""The phases that tell nothing of what breaks; all others are `GOING_ON` to a responder."""

GOING_ON = "going on"


@dataclass(slots=True)
class _Row(Row):
    seen: Seen | None = None
    told_at: float = field(default_factory=time.monotonic)
    told_firing: tuple[str, ...] = ()


class Screen(Shown):
    """The state of every drill while the context lasts; a campaign's ``progress``."""

    def __init__(
        self,
        plans: Collection[str] | Mapping[str, Plan],
        say: SayLine,
        console: Console,
        *,
        live: bool,
        hidden: bool,
    ) -> None:
        """Show the drills of ``plans``; with ``live`` as a table, and ``hidden`` without a hint."""
        super().__init__(say, console, live=live)
        self._rows = {name: _Row(since=self._begun) for name in plans}
        self._hidden = hidden
        self._lock = threading.Lock()

    def reporter(self, name: str) -> SayPhase:
        """Return what a drill calls at each phase with the phase and its bound in seconds."""

        def report(phase: str, limit_seconds: float) -> None:
            if self._hidden and phase not in TELLING:
                phase, limit_seconds = GOING_ON, 0.0
            with self._lock:
                row, now = self._rows[name], time.monotonic()
                changed = row.phase != phase
                row.phase, row.limit = phase, limit_seconds
                row.since = now if changed else row.since
            if changed and not self._console:
                self._line(name, with_bound(phase, limit_seconds))

        return report

    def show(self, seen: tuple[Seen, ...]) -> None:
        """Take what clients saw lately, and which alerts fire."""
        now, lines = time.monotonic(), []
        with self._lock:
            for one in seen:
                row = self._rows[one.drill]
                row.seen = one
                if self._console or row.phase == "done":
                    continue
                if one.firing != row.told_firing:
                    row.told_firing = one.firing
                    lines.append((one.drill, f"firing: {', '.join(one.firing) or 'nothing'}"))
                if now - row.told_at >= CLIENT_SECONDS and one.answers:
                    row.told_at = now
                    lines.append((one.drill, f"clients see {clients(one)}"))
        for name, text in lines:
            self._line(name, text)

    def _table(self) -> Table:
        table = table_of(
            *("drill", "phase", "elapsed", "bound", "clients see", "firing"),
            caption="q, Enter or Ctrl-C ends every fault at once",
        )
        now = time.monotonic()
        with self._lock:
            for name, row in self._rows.items():
                seen = row.seen
                table.add_row(
                    name,
                    row.phase,
                    row.elapsed(now),
                    row.bound,
                    clients(seen) if seen and seen.answers else "",
                    f"[bold red]{', '.join(seen.firing)}[/]" if seen and seen.firing else "",
                )
        return table


def clients(seen: Seen) -> str:
    """Return what clients saw lately, for a person."""
    slow = "-" if seen.p95_ms is None else f"{seen.p95_ms:.0f} ms"
    return f"{seen.rate_per_second:.1f}/s, {seen.error_ratio:.0%} errors, p95 {slow}"
