"""What is drilled is found out once, when somebody needs to know, and nothing is left unsaid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.expectation import RECEIVERS
from scenarios.own_app.applicability import OwnRules
from scenarios.own_app.asked import Asked
from scenarios.run_state import RunState
from scenarios.settings import Settings
from stack.production import production_files
from stack.rules import RuleSet, load_rules

OURS = load_rules(production_files().rules.read_text(), "alert-rules.yml")
THEIRS = load_rules(
    """
groups:
  - name: g
    rules:
      - alert: Queue
        expr: queue > 3
        labels: {severity: HIGH}
      - alert: Restarts
        expr: resets(uptime[5m]) > 3
        labels: {severity: HIGH}
""",
    "their.yml",
)


def state(rules: RuleSet, *, synthetic: bool = False) -> RunState:
    asked = Asked(
        settings=Settings(
            app="of the one who asked",
            production=replace(production_files(), rules=Path(rules.source)),
        ),
        rules=OwnRules(rules=rules, promised=RECEIVERS),
        own=None,
        synthetic=synthetic,
    )
    return RunState(
        settings=Settings(),
        required=frozenset(),
        ask=lambda before: replace(asked, settings=replace(asked.settings, keep=before.keep)),
    )


def test_the_settings_are_those_of_what_is_drilled_once_that_is_known() -> None:
    run = state(OURS)
    assert run.settings.app != "of the one who asked"
    assert run.asked.rules.rules is OURS
    run.settings = replace(run.settings, logs=True)
    assert run.asked
    assert run.settings.logs


def test_what_was_set_before_that_is_known_is_not_lost() -> None:
    run = state(OURS)
    run.settings = replace(run.settings, keep=True)
    assert run.asked
    assert run.settings.keep


def test_the_toolkit_s_own_rules_all_have_drills_that_apply() -> None:
    run = state(OURS, synthetic=True)
    assert not any(drill.synthetic for drill in run.drills)
    assert run.inapplicable == {}
    assert run.undrilled == {}


@pytest.mark.parametrize("synthetic", [True, False])
def test_an_alert_without_a_scenario_is_played_when_asked_for_or_said(synthetic: bool) -> None:
    run = state(THEIRS, synthetic=synthetic)
    played = [drill.id for drill in run.drills if drill.synthetic]
    assert played == (["Queue-synthetic"] if synthetic else [])
    assert ("Queue" in run.undrilled) is not synthetic
    assert "resets" in run.undrilled["Restarts"]


def test_scenarios_of_alerts_that_the_rules_lack_are_there_with_the_reason() -> None:
    run = state(THEIRS)
    assert {drill.id for drill in run.drills} >= run.inapplicable.keys()
    assert run.inapplicable["SlowResponseTime"] == "their.yml defines no such alert"
