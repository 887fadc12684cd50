"""Every rule has a scenario, unit tests, receivers and a runbook, and each of these has a rule."""

from pathlib import Path

from scenarios.catalogue import drills
from scenarios.expectation import RECEIVERS
from stack.production import production_files
from stack.rules import load_rules

PRODUCTION = production_files()
ALERTS = {rule.name: rule for rule in load_rules(PRODUCTION.rules.read_text(), "rules").alerts}
RUNBOOKS = Path(__file__).resolve().parents[2] / "docs" / "runbooks"


def test_every_rule_has_a_scenario_in_which_it_fires() -> None:
    drilled = {drill.alert for drill in drills() if drill.fires}
    assert not ALERTS.keys() - drilled, f"never drilled: {sorted(ALERTS.keys() - drilled)}"


def test_every_scenario_names_rules_that_exist() -> None:
    for drill in drills():
        named = {drill.alert, *drill.declared}
        assert not named - ALERTS.keys(), f"{drill.id} names {sorted(named - ALERTS.keys())}"


def test_every_rule_has_unit_tests_and_every_unit_test_a_rule() -> None:
    tested = {path.stem for path in (PRODUCTION.rules.parent / "unit").glob("*.yml")}
    assert tested == ALERTS.keys()


def test_every_rule_has_a_runbook_and_every_runbook_a_rule() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == ALERTS.keys()


def test_every_rule_links_its_runbook_and_promises_receivers() -> None:
    for rule in ALERTS.values():
        assert rule.annotations["runbook_url"].endswith(f"/docs/runbooks/{rule.name}.md")
        assert rule.labels["severity"] in RECEIVERS
