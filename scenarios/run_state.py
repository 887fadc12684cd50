"""What pytest's hooks and fixtures of one run share.

One rule: options, selection and report meet here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import pytest

from scenarios.catalogue import drills as catalogue
from scenarios.model import Drill
from scenarios.own_app.applicability import DoesNotApply
from scenarios.own_app.asked import Asked
from scenarios.own_app.synthetic import synthetic
from scenarios.report import NotApplicable
from scenarios.result import Result
from scenarios.settings import Settings
from scenarios.verdict import Verdict
from stack.played import CannotPlay


@dataclass(slots=True)
class RunState:
    """One run, from its options to what it came to.

    ``verdicts`` are those of claims about a drill, by its id; ``checks`` all others, by test.
    """

    settings: Settings
    required: frozenset[str]
    asked: Asked
    selected: dict[str, Drill] = field(default_factory=dict)
    not_applicable: list[NotApplicable] = field(default_factory=list)
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    checks: dict[str, list[Verdict]] = field(default_factory=dict)
    result: Result | None = None
    inapplicable: dict[str, str] = field(default_factory=dict)
    undrilled: dict[str, str] = field(default_factory=dict)
    _drills: tuple[Drill, ...] | None = None

    @property
    def drills(self) -> tuple[Drill, ...]:
        """Every drill, as the application and the rules of this run have it.

        What they can't have stays as it is, and ``inapplicable`` says why, by its id.
        """
        if self._drills is None:
            known = tuple(self._adapted(drill) for drill in catalogue())
            self._drills = (*known, *self._played({drill.alert for drill in known}))
        return self._drills

    def _played(self, drilled: Collection[str]) -> Iterator[Drill]:
        """Yield the synthetic drills of alerts that no scenario names, or note why there is none.

        Of the alerts that a team's own rules have; ours all have scenarios.
        """
        rules = self.asked.rules.rules
        for rule in rules.alerts:
            if rule.name in drilled:
                continue
            try:
                drill = synthetic(rule, rules, self.settings.journey)
            except CannotPlay as reason:
                self.undrilled[rule.name] = f"no scenario, and no series can be played: {reason}"
                continue
            if self.asked.synthetic:
                yield drill
            else:
                self.undrilled[rule.name] = "no scenario names it; --synthetic plays series for it"

    def _adapted(self, drill: Drill) -> Drill:
        try:
            self.asked.rules.rule(drill.alert)  # else what the application lacks says nothing
            if self.asked.own:
                drill = self.asked.own.adapted(drill)
            return self.asked.rules.adapted(drill)
        except DoesNotApply as reason:
            self.inapplicable[drill.id] = str(reason)
            return drill


RUN = pytest.StashKey[RunState]()
VERDICTS = pytest.StashKey[list[Verdict]]()
"""The verdicts that a check has judged, on its item."""

SHIPS = "ships"
"""The marker by which a check hands over a log."""


def drill_of(item: pytest.Item) -> Drill | None:
    """Return the drill that a check is about, if it is about one."""
    callspec = getattr(item, "callspec", None)
    drill = callspec.params.get("drill") if callspec else None
    return drill if isinstance(drill, Drill) else None
