"""The rules hold in virtual time, and their unit tests notice a rule that was changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stack.production import production_files
from stack.tools import Tools, ToolSettings, find_tools
from stack.unit_tests import UnitTestError, isolate, run_unit_tests

pytestmark = pytest.mark.integration

RULES = production_files().rules
UNIT_FILES = sorted((RULES.parent / "unit").glob("*.yml"))
CHANGES = {
    "CriticalMemoryUsage": ("> 95", "> 99"),
    "DatabaseUnhealthy": ("for: 1m", "for: 10m"),
    "FailedDatabaseBackup": ("> 86400", "> 864000"),
    "FailedPayments": ("> 0.10", "> 0.50"),
    "HighCPUUsage": ("> 0.80", "> 0.99"),
    "HighErrorRate": ("> 0.05", "> 0.01"),
    "HighMemoryUsage": ("> 80", "> 60"),
    "SlowResponseTime": ("> 1000", "> 3000"),
    "SoftFactoryDown": ('max by (service) (up{job="softfactory"}) == 0', "vector(0) > 1"),
}


@pytest.fixture(scope="module")
def tools() -> Tools:
    return find_tools(ToolSettings.from_env(), print)


@pytest.mark.parametrize("unit_file", UNIT_FILES, ids=lambda path: path.stem)
def test_the_production_rule_passes_its_unit_tests(tools: Tools, unit_file: Path) -> None:
    done = run_unit_tests(tools.promtool.command, RULES, unit_file)
    assert done.passed, done.output
    assert done.cases >= 2


@pytest.mark.parametrize("unit_file", UNIT_FILES, ids=lambda path: path.stem)
def test_a_changed_rule_fails_its_unit_tests(tools: Tools, unit_file: Path, tmp_path: Path) -> None:
    text = RULES.read_text()
    start = text.index(f"- alert: {unit_file.stem}\n")
    before, after = CHANGES[unit_file.stem]
    assert before in text[start:], f"{unit_file.stem} has no {before!r}"
    broken = tmp_path / "alert-rules.yml"
    broken.write_text(text[:start] + text[start:].replace(before, after, 1))
    done = run_unit_tests(tools.promtool.command, broken, unit_file)
    assert not done.passed


@pytest.mark.parametrize("unit_file", UNIT_FILES, ids=lambda path: path.stem)
def test_each_alert_is_shown_to_fire_and_not_to_fire(unit_file: Path) -> None:
    names = re.findall(r"- name: (.+)", unit_file.read_text())
    assert any("does not fire" in name or "stays quiet" in name for name in names), names
    assert any(re.search(r"^\W*fires", name) for name in names), names


def test_an_unknown_alert_is_refused_by_name() -> None:
    with pytest.raises(UnitTestError, match="NoSuchAlert"):
        isolate(RULES, "NoSuchAlert")
