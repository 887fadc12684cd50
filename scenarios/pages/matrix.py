"""Which fault raised which alert, over the whole run, as a grid.

One rule: pure; every cell that was raised is drawn, declared or not, and so is one that must be
raised and was not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scenarios.attribution import Cell
from scenarios.pages.record import DrillRecord, RunRecord

CELL, NAME, HEAD = 15, 218, 168
"""Pixels of a cell's side, of the names of the faults, and of those of the alerts above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One cell that is not empty, at its upper left corner; ``kind`` is its style.

    Kinds: ``drilled`` (the alert that is drilled was raised), ``told`` (another that the scenario
    declares was, and a receiver told), ``fired`` (the same, and nobody told), ``stray`` (one that
    it does not declare), ``missing`` (the drilled alert was not raised), ``quiet`` (nor should it).
    """

    x: int
    y: int
    kind: str
    fault: str
    alert: str

    @property
    def said(self) -> str:
        """Return the cell in words."""
        return f"{self.alert} {_SAID[self.kind]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The grid with its names, in pixels."""

    width: int
    height: int
    rows: tuple[tuple[int, str], ...]
    columns: tuple[tuple[int, str], ...]
    marks: tuple[Mark, ...]
    description: str

    @property
    def raised(self) -> Mapping[str, Sequence[str]]:
        """Return what each fault raised beside the drilled alert, for whoever can't see it."""
        found: dict[str, list[str]] = {}
        for mark in self.marks:
            if mark.kind in ("told", "fired", "stray", "missing"):
                found.setdefault(mark.fault, []).append(mark.said)
        return found


def matrix(run: RunRecord) -> Matrix:
    """Return the grid of a run: its drills and controls, each by what it raised."""
    drills = {one.id: one for one in run.drills}
    raised = {cell.drill for cell in run.cells}
    rows = [
        *sorted(drills, key=lambda name: (drills[name].alert, name)),
        *sorted(raised - drills.keys()),
    ]
    columns = sorted({one.alert for one in run.drills} | {cell.alert for cell in run.cells})
    across = {alert: NAME + CELL * at for at, alert in enumerate(columns)}
    down = {name: HEAD + CELL * at for at, name in enumerate(rows)}
    marks = (
        Mark(x=across[alert], y=down[name], kind=kind, fault=name, alert=alert)
        for name, alert, kind in _kinds(drills, run.cells)
    )
    strays = sum(not cell.declared for cell in run.cells)
    return Matrix(
        width=NAME + CELL * len(columns),
        height=HEAD + CELL * len(rows),
        rows=tuple((y, name) for name, y in down.items()),
        columns=tuple((x, alert) for alert, x in across.items()),
        marks=tuple(marks),
        description=f"{len(rows)} faults and controls raised {len(run.cells)} alerts"
        + (f", of which no scenario declares {strays}." if strays else ", each of them declared."),
    )


_SAID = {
    "drilled": "was raised, as it must",
    "told": "was raised and told, as it may",
    "fired": "fired, as it may, and nobody was told",
    "stray": "was raised, which no scenario declares",
    "missing": "was not raised, and must be",
    "quiet": "stayed quiet, as it must",
}


def _kinds(
    drills: Mapping[str, DrillRecord], cells: Sequence[Cell]
) -> Iterator[tuple[str, str, str]]:
    seen = set()
    for cell in cells:
        drill = drills.get(cell.drill)
        seen.add((cell.drill, cell.alert))
        if not cell.declared:
            kind = "stray"
        elif drill and drill.alert == cell.alert:
            kind = "drilled"
        else:
            kind = "told" if cell.delivered else "fired"
        yield cell.drill, cell.alert, kind
    for name, drill in drills.items():
        if (name, drill.alert) not in seen:
            yield name, drill.alert, "missing" if drill.fires else "quiet"
