"""What pytest's hooks and fixtures of one run share.

One rule: options, selection and report meet here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
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

UNPLAYED = "no scenario drills it; --synthetic plays series for it"


@dataclass(slots=True)
class RunState:
    """One run, from its options to what it came to.

    ``verdicts`` are those of claims about a drill, by its id; ``checks`` all others, by test.
    """

    settings: Settings
    required: frozenset[str]
    ask: Callable[[Settings], Asked]
    selected: dict[str, Drill] = field(default_factory=dict)
    not_applicable: list[NotApplicable] = field(default_factory=list)
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    checks: dict[str, list[Verdict]] = field(default_factory=dict)
    result: Result | None = None
    inapplicable: dict[str, str] = field(default_factory=dict)
    undrilled: dict[str, str] = field(default_factory=dict)
    _asked: Asked | None = None
    _drills: tuple[Drill, ...] | None = None

    @property
    def asked(self) -> Asked:
        """What is drilled and by which rules, found out where somebody needs to know.

        From then on the settings are those of that application, beside what they were till then.

        Raises:
            pytest.UsageError: it can't be drilled.
        """
        if self._asked is None:
            self._asked = self.ask(self.settings)
            self.settings = self._asked.settings
        return self._asked

    @property
    def drills(self) -> tuple[Drill, ...]:
        """Every drill, as the application and the rules of this run have it.

        What they can't have stays as it is, and ``inapplicable`` says why, by its id.
        """
        if self._drills is None:
            known = tuple(self._adapted(drill) for drill in catalogue())
            drilled = [drill for drill in known if drill.id not in self.inapplicable]
            named = {one for drill in drilled for one in (drill.alert, *drill.hushes)}
            self._drills = (*known, *self._played(named))
        return self._drills

    def _played(self, drilled: Collection[str]) -> Iterator[Drill]:
        """Yield the synthetic drills of alerts that no scenario drills, or note why there is none.

        With the demo and the toolkit's own rules there is a scenario for each.
        """
        rules = self.asked.rules.rules
        for rule in rules.alerts:
            if rule.name in drilled:
                continue
            try:
                drill = synthetic(rule, rules, self.settings.journey)
            except CannotPlay as reason:
                self.undrilled[rule.name] = f"no scenario drills it, nor can series: {reason}"
                continue
            if self.asked.synthetic:
                yield drill
            else:
                self.undrilled[rule.name] = UNPLAYED

    def _adapted(self, drill: Drill) -> Drill:
        if self.asked.as_shipped:
            return drill
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
