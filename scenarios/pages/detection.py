"""How long each detection took, beside the least it can take and the most it may.

One rule: pure; every drill that must alarm has a row on one scale, its bound, closest to it first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scenarios.pages.amounts import seconds
from scenarios.pages.record import DrillRecord

REACH = 1.15
"""The scale ends so far beyond the bound; what is later still is drawn at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One drill: places in percent of the scale, and the same in words.

    Attributes:
        least: the lower limit; a detection before it is too early.
        bound: the upper one.
        taken: what was measured, or ``None`` where it was not detected.
        late: whether it lies beyond the bound.
    """

    drill: str
    severity: str
    least: float
    bound: float
    taken: float | None
    late: bool
    least_text: str
    bound_text: str
    taken_text: str


def detections(drills: Iterable[DrillRecord]) -> tuple[Row, ...]:
    """Return a row for each drill that must alarm: those not detected first, then by closeness."""
    rows = [_row(one) for one in drills if one.fires]
    return tuple(sorted(rows, key=lambda row: (row.taken is not None, -(row.taken or 0.0))))


def _row(drill: DrillRecord) -> Row:
    limits, taken = drill.limits, drill.measured.detection

    def place(value: float) -> float:
        return round(min(max(value / limits.arrives / REACH, 0.0), 1.0) * 100, 2)

    return Row(
        drill=drill.id,
        severity=drill.severity,
        least=place(limits.earliest),
        bound=place(limits.arrives),
        taken=None if taken is None else place(taken),
        late=taken is not None and taken > limits.arrives,
        least_text=seconds(limits.earliest),
        bound_text=seconds(limits.arrives),
        taken_text=seconds(taken),
    )
