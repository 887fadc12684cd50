"""Which fault raised which alert, over all drills of a run: any cell that nobody declared is wrong.

One rule: pure, from finished histories; what a fault does to its own service and to the others it
shares a stack with are both in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from scenarios.berth import control_of
from scenarios.history import History, Kind
from scenarios.quiet_claims import judged_strangers, raised_by_lost_scrapes
from scenarios.result import Result
from scenarios.verdict import Verdict

RAISED = (Kind.FIRING, Kind.DELIVERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One fault and one alert that was raised under it.

    Attributes:
        drill: the drill's id, or the control's name.
        alert: what was raised.
        declared: whether the scenario says that it must, or may, fire.
        delivered: whether a receiver was told.
        of_lost_scrapes: whether it tells of scrapes that the machine has lost.
    """

    drill: str
    alert: str
    declared: bool
    delivered: bool
    of_lost_scrapes: bool = False


def attribution(result: Result) -> tuple[Cell, ...]:
    """Return every cell of the matrix that is not empty, by drill and alert."""
    declared: Mapping[str, frozenset[str]] = {
        name: plan.drill.declared for name, plan in result.plans.items()
    } | {
        # Where the watchers are drilled, the control is the drill's own service.
        control_of(plan.drill.watched_by): plan.want.beside
        for plan in result.plans.values()
        if plan.drill.subject
    }
    downtime = {name for name, plan in result.plans.items() if plan.want.downtime}
    return tuple(
        replace(cell, of_lost_scrapes=cell.alert in lost)
        for name, history in sorted(result.histories.items())
        for lost in (raised_by_lost_scrapes(history, downtime=name in downtime),)
        for cell in _cells(name, history, declared.get(name, frozenset()))
    )


def declared_alone(cells: tuple[Cell, ...]) -> Verdict:
    """Every cell is one that a scenario declares; those that are not name their fault and alert."""
    strangers = [cell for cell in cells if not cell.declared]
    return Verdict(
        claim="every alert is one that its fault may raise",
        status=judged_strangers(
            (cell.alert for cell in strangers if not cell.of_lost_scrapes),
            (cell.alert for cell in strangers if cell.of_lost_scrapes),
        ),
        expected="no alert that the scenario does not declare",
        observed="; ".join(f"{cell.drill} raised {cell.alert}" for cell in strangers)
        or f"{len(cells)} cells, all declared",
    )


def _cells(name: str, history: History, declared: frozenset[str]) -> Iterator[Cell]:
    raised = {event.alert for kind in RAISED for event in history.all(kind)}
    for alert in sorted(raised):
        yield Cell(
            drill=name,
            alert=alert,
            declared=alert in declared,
            delivered=bool(history.first(Kind.DELIVERED, alert)),
        )
