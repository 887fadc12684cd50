"""Controls: each breaks production's Alertmanager configuration, and the proof must notice."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.campaign import Campaign
from scenarios.catalogue import drills
from scenarios.delivery.claims import told_again_after
from scenarios.delivery.laboratory import run_trial
from scenarios.delivery.trials import DOWN, TELLS_CRITICAL
from scenarios.heartbeat_claims import never_resolved
from scenarios.settings import Settings
from scenarios.verdict import Status
from stack.production import Production, production_files
from stack.tools import ToolSettings, find_tools

pytestmark = pytest.mark.integration

CATALOGUE = {drill.id: drill for drill in drills()}


def edited(folder: Path, pattern: str, replacement: str) -> Production:
    """Production's files with one change to a copy of the Alertmanager configuration."""
    files = production_files()
    text, count = re.subn(pattern, replacement, files.alertmanager.read_text(), flags=re.DOTALL)
    assert count == 1, f"{pattern} stands {count} times in {files.alertmanager}"
    copy = folder / files.alertmanager.name
    copy.write_text(text)
    (folder / "templates").symlink_to(files.alertmanager.parent / "templates")
    return replace(files, alertmanager=copy)


def test_a_heartbeat_that_is_resolved_is_one_beat_too_many(tmp_path: Path) -> None:
    wrong = edited(tmp_path, r"send_resolved: false", "send_resolved: true")
    drill = CATALOGUE["Watchdog-prometheus"]
    settings = Settings(production=wrong, reports=tmp_path)
    with Campaign(settings, [drill], directory=tmp_path / "run", say=lambda line: None) as campaign:
        result = campaign.drill()
    verdict = never_resolved(result.histories[drill.id], result.plans[drill.id].want)
    assert verdict.status is Status.FAIL
    assert "webhook heartbeat was told that it is resolved" in verdict.observed


def test_an_outage_that_is_repeated_too_often_is_noticed(tmp_path: Path) -> None:
    wrong = edited(tmp_path, r"repeat_interval: 1h", "repeat_interval: 20m")
    tools = find_tools(ToolSettings.from_env(), lambda line: None)
    seen = run_trial("long_outage", tools, production_files(), tmp_path / "right")
    assert told_again_after(seen, DOWN.name, TELLS_CRITICAL).status is Status.PASS
    often = run_trial("long_outage", tools, wrong, tmp_path / "wrong")
    often = replace(often, repeat=seen.repeat)  # what was promised
    verdict = told_again_after(often, DOWN.name, TELLS_CRITICAL)
    assert verdict.status is Status.FAIL
    assert "was told again after" in verdict.observed or "times" in verdict.observed
