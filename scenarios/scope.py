"""What one stack of a run watches: which drills, by which rules, at which time scale.

One rule: pure; nothing is started, and no port or folder is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from scenarios.berth import control_of
from scenarios.drill import Plan
from scenarios.expectation import expect
from scenarios.model import BUDGETS, MAIN, Drill
from scenarios.settings import IN_CONTAINERS, Settings
from scenarios.weight import ENGINE_WEIGHT, STACK_WEIGHT, weight
from stack.derive import Derived, RunAddresses, derive
from stack.production import production_files
from stack.rules import RuleSet, load_rules
from stack.windows import groups_within, largest_time_scale

DOWN = "SoftFactoryDown"
"""The alert whose group says whether services are there at all."""

LONGEST_WINDOW = timedelta(hours=2)
"""How far back, in production, a rule of these drills may look: two minutes at time scale 60.

Groups of rules that look further back (error budgets) resolve too late, and start from a history
of days: they are drilled on a stack of their own.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One stack.

    Attributes:
        name: MAIN, BUDGETS, or the drill for which it is there.
        drills: what it watches.
        settings: those of the run, at this stack's time scale.
        groups: the names of the rule groups that it evaluates.
    """

    name: str
    drills: tuple[Drill, ...]
    settings: Settings
    groups: tuple[str, ...]

    @classmethod
    def of(cls, name: str, drills: Sequence[Drill], settings: Settings) -> Scope:
        """Choose groups and time scale for the drills of one stack.

        Raises:
            ConfigurationError: production's rules can't be read.
        """
        rules = load_rules(settings.production.rules.read_text(encoding="utf-8"))
        groups = groups_within(rules, LONGEST_WINDOW)
        if name == BUDGETS:
            groups = tuple(group.name for group in rules.groups if group.name not in groups)
            settings = replace(settings, time_scale=largest_time_scale(rules, groups))
        elif name != MAIN:
            groups = _about_watchers(rules, groups, drills)
        return cls(name=name, drills=tuple(drills), settings=settings, groups=groups)

    @property
    def judges_budgets(self) -> bool:
        """Whether its rules look back over days, so that services are there from the start."""
        return self.name == BUDGETS

    @property
    def breaks_watchers(self) -> bool:
        """Whether its drills break Prometheus, Alertmanager or a receiver."""
        return any(drill.subject for drill in self.drills)

    @property
    def prefix(self) -> str:
        """What stands before the names of its processes and histories."""
        return "" if self.name == MAIN else f"{self.name}-"

    @property
    def weight(self) -> float:
        """How many places all of it takes."""
        contained = self.settings.stack in IN_CONTAINERS
        stack = STACK_WEIGHT + (2 * ENGINE_WEIGHT if contained else 0.0)
        return stack + sum(weight(drill, contained=contained) for drill in self.drills)

    @property
    def control(self) -> str:
        """The service that nobody breaks: where the watchers are drilled, the drill's own."""
        return self.drills[0].id if self.breaks_watchers else control_of(self.name)

    @property
    def control_key(self) -> str:
        """Under which name the control's history is kept."""
        return control_of(self.name)

    def derive(self, run: RunAddresses) -> Derived:
        """Return production's configuration as this stack runs it.

        Raises:
            ConfigurationError: it can't be scaled so.
        """
        return derive(
            self.settings.production,
            time_scale=self.settings.time_scale,
            groups=self.groups,
            run=run,
        )

    def plans(self, derived: Derived) -> dict[str, Plan]:
        """Return each drill with what is promised of it, by its id.

        Raises:
            UnknownAlert, ValueError: a scenario can't be run as it is.
        """
        return {drill.id: self._plan(drill, derived) for drill in self.drills}

    def _plan(self, drill: Drill, derived: Derived) -> Plan:
        beside = [*([drill.after.alert] if drill.after else []), *sorted(drill.hushes)]
        expected = partial(
            expect,
            derived,
            drill,
            probe=self.settings.sample,
            promised=self.settings.receivers,
            foreign=self.settings.production.rules != production_files().rules,
        )
        return Plan(
            drill=drill,
            want=expected(),
            loaded_for=drill.loaded_for / derived.time_scale,
            hold=timedelta(seconds=self.settings.hold_seconds),
            others=tuple(expected(alert=alert) for alert in dict.fromkeys(beside)),
        )


def _about_watchers(
    rules: RuleSet, groups: Sequence[str], drills: Sequence[Drill]
) -> tuple[str, ...]:
    """Return the groups about the drilled watcher, and what a broken one would say of services.

    Evaluating all rules is most of what a Prometheus costs, and the main stack does it.
    """
    declared = {alert for drill in drills for alert in {drill.alert, *drill.declared}} | {DOWN}
    return tuple(
        group.name
        for group in rules.groups
        if group.name in groups and declared & {rule.name for rule in group.rules}
    )
