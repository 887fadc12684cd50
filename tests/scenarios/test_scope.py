"""A stack evaluates the rules that its drills need, at a time scale that their windows bear."""

from __future__ import annotations

from scenarios.catalogue import drills
from scenarios.model import BUDGETS, MAIN, Drill
from scenarios.scope import Scope
from scenarios.settings import Settings
from stack.rules import load_rules

SETTINGS = Settings()
RULES = load_rules(SETTINGS.production.rules.read_text(encoding="utf-8"))


def watched_by(name: str) -> list[Drill]:
    return [drill for drill in drills() if drill.watched_by == name]


def alerts_of(scope: Scope) -> set[str]:
    return {
        rule.name for group in RULES.groups if group.name in scope.groups for rule in group.rules
    }


def test_the_main_stack_and_that_of_budgets_evaluate_every_group_once() -> None:
    main = Scope.of(MAIN, watched_by(MAIN), SETTINGS)
    budgets = Scope.of(BUDGETS, watched_by(BUDGETS), SETTINGS)
    assert not set(main.groups) & set(budgets.groups)
    assert {*main.groups, *budgets.groups} == {group.name for group in RULES.groups}
    assert main.settings.time_scale == SETTINGS.time_scale < budgets.settings.time_scale


def test_every_stack_evaluates_what_its_drills_declare() -> None:
    for name in {drill.watched_by for drill in drills()}:
        scope = Scope.of(name, watched_by(name), SETTINGS)
        for drill in scope.drills:
            assert drill.alert in alerts_of(scope), drill.id


def test_a_stack_whose_watchers_are_broken_has_its_drill_for_a_control_and_few_groups() -> None:
    (drill,) = watched_by("Watchdog-prometheus")
    scope = Scope.of("Watchdog-prometheus", [drill], SETTINGS)
    assert scope.breaks_watchers
    assert scope.control == drill.id
    assert "SoftFactoryDown" in alerts_of(scope)
    assert "HighErrorRate" not in alerts_of(scope)
    assert scope.prefix == "Watchdog-prometheus-"
