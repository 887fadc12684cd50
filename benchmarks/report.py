"""A benchmark's outcome, shown as one table and kept as one JSON file; nothing is measured here."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.targets import Target, all_met, as_evidence

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "reports" / "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one benchmark found. A row's cells are text, made for people; `figures` is for tools."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    targets: Sequence[Target] = ()
    notes: Sequence[str] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether every target is reached."""
        return all_met(self.targets)


def table_of(outcome: Outcome) -> Table:
    """Return the table: the first column names, the others are numbers."""
    table = Table(title=outcome.title, title_justify="left", box=None, pad_edge=False)
    for number, column in enumerate(outcome.columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=number == 0)
    for row in outcome.rows:
        table.add_row(*row)
    return table


def publish(outcome: Outcome, *, folder: Path = FOLDER, console: Console | None = None) -> Path:
    """Print the outcome and write `NAME.json`; return that file's path."""
    console = console or Console()
    console.print()
    console.print(table_of(outcome))
    for note in outcome.notes:
        console.print(note, style="dim", highlight=False)
    for target in outcome.targets:
        console.print(target.line(), style="green" if target.met else "red", highlight=False)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{outcome.name}.json"
    document = {
        "benchmark": outcome.name,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "load_average_1m": os.getloadavg()[0],
        "targets": as_evidence(outcome.targets),
        "notes": list(outcome.notes),
        **outcome.figures,
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path


@contextmanager
def progress() -> Iterator[Progress]:
    """Show how far a benchmark is, on standard error; it leaves nothing behind."""
    with Progress(console=Console(stderr=True), transient=True) as shown:
        yield shown
