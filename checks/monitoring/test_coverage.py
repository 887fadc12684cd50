"""Every rule has a scenario, unit tests, receivers, a runbook and a panel; and these a rule."""

import re
from pathlib import Path

import pytest

from scenarios.catalogue import drills
from scenarios.expectation import RECEIVERS
from stack.grafana.addresses import ALERTS_UID
from stack.grafana.dashboards import load_dashboards
from stack.grafana.problems import alerts_not_shown
from stack.production import production_files
from stack.rules import load_rules
from stack.unit_tests import ABSENT, FIRES, QUIET, RESOLVES, shown_by

pytestmark = pytest.mark.of_the_files

PRODUCTION = production_files()
RULES = load_rules(PRODUCTION.rules.read_text(), "rules")
ALERTS = {rule.name: rule for rule in RULES.alerts}
ALWAYS = "Watchdog"
"""The one alert that never stays quiet."""

JUST_BELOW = re.compile(r"name: does not fire .*\bjust (?:under|below|over|above|at)\b")
"""How a case is named that stays on the right side of its threshold by a hair."""

CHECKS = Path(__file__).resolve().parents[1]
# In a clone, and as the wheel has them.
RUNBOOKS = next(
    folder
    for folder in (CHECKS.parent / "docs" / "runbooks", CHECKS / "runbooks")
    if folder.is_dir()
)


def test_every_rule_has_a_scenario_in_which_it_fires() -> None:
    drilled = {
        alert
        for drill in drills()
        for alert in ({drill.alert} if drill.fires else set()) | set(drill.uncovers)
    }
    assert not ALERTS.keys() - drilled, f"never drilled: {sorted(ALERTS.keys() - drilled)}"


def test_every_scenario_names_rules_that_exist() -> None:
    for drill in drills():
        named = {drill.alert, *drill.declared}
        assert not named - ALERTS.keys(), f"{drill.id} names {sorted(named - ALERTS.keys())}"


def test_every_rule_has_unit_tests_and_every_unit_test_a_rule() -> None:
    tested = {path.stem for path in (PRODUCTION.rules.parent / "unit").glob("*.yml")}
    assert tested == ALERTS.keys()


def test_every_rules_unit_tests_show_it_fire_stay_quiet_resolve_and_without_data() -> None:
    needed = {name: {FIRES, QUIET, RESOLVES, ABSENT} for name in ALERTS}
    needed[ALWAYS] = {FIRES, ABSENT}
    lacking = [
        f"{name}: {', '.join(sorted(wanted - shown))}"
        for name, wanted in needed.items()
        if wanted - (shown := shown_by(PRODUCTION.rules.parent / "unit" / f"{name}.yml"))
    ]
    assert not lacking, "unit tests that do not show: " + "; ".join(lacking)


def test_every_rule_with_a_threshold_has_a_twin_below_it_live_or_in_virtual_time() -> None:
    live = {drill.alert for drill in drills() if not drill.fires}
    virtual = {
        name
        for name in ALERTS
        if JUST_BELOW.search((PRODUCTION.rules.parent / "unit" / f"{name}.yml").read_text())
    }
    thresholds = {name for name, rule in ALERTS.items() if rule.threshold and rule.threshold.value}
    lacking = sorted(thresholds - live - virtual)
    assert not lacking, f"nothing shows that these stay quiet just below: {', '.join(lacking)}"


def test_every_rule_has_a_runbook_and_every_runbook_a_rule() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == ALERTS.keys()


def test_every_rule_has_a_panel_with_its_threshold_and_every_alerts_panel_a_rule() -> None:
    (alerts,) = [one for one in load_dashboards() if one.uid == ALERTS_UID]
    assert alerts_not_shown(alerts, RULES) == []


def test_every_rule_links_its_runbook_and_promises_receivers() -> None:
    for rule in ALERTS.values():
        assert rule.annotations["runbook_url"].endswith(f"/docs/runbooks/{rule.name}.md")
        assert rule.labels["severity"] in RECEIVERS
