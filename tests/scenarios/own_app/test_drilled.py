"""Applications that are not the toolkit's are drilled as they are, and so are such rules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
APPS = ROOT / "tests" / "apps"

pytestmark = pytest.mark.integration

THEIRS = """
groups:
  - name: queue
    rules:
      - alert: QueueTooLong
        expr: max by (service) (queue_length{job="worker"}) > 100
        for: 5m
        labels: {severity: HIGH}
        annotations: {summary: "Queue of {{ $labels.service }} holds {{ $value }} jobs"}
      - alert: JobsFail
        expr: |
          sum by (service) (rate(jobs_total{outcome="failed"}[5m]))
          / sum by (service) (rate(jobs_total[5m])) > 0.2
        for: 2m
        labels: {severity: CRITICAL}
        annotations: {summary: "Jobs of {{ $labels.service }} fail"}
"""


def drilled(reports: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    """Run drills as a person would, and return the evidence and what was said."""
    done = subprocess.run(
        [sys.executable, "-m", "scenarios.command", "verify", f"--reports={reports}", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "140"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-6000:]
    evidence: dict[str, Any] = json.loads((reports / "evidence.json").read_text())
    return evidence, said


def verdicts(evidence: dict[str, Any]) -> dict[str, str]:
    return {name: one["verdict"] for name, one in evidence["drills"].items()}


def test_an_application_object_with_a_database_is_drilled(tmp_path: Path) -> None:
    chosen = "alerts and (HighErrorRate or DatabaseUnhealthy) and not below and not hanging"
    evidence, _ = drilled(tmp_path, f"--project={APPS / 'notes'}", "-k", chosen)
    assert evidence["app"] == "notes:app"
    assert verdicts(evidence) == {
        "HighErrorRate": "PASS",
        "DatabaseUnhealthy": "PASS",
        "DatabaseUnhealthy-read-only": "PASS",
    }


def test_a_factory_with_metrics_and_a_locust_file_of_its_own_is_drilled(tmp_path: Path) -> None:
    chosen = "alerts and (HighErrorRate or SlowResponseTime or UnauthorizedSurge) and not below"
    evidence, _ = drilled(tmp_path, f"--project={APPS / 'shop'}", "-k", chosen)
    assert evidence["app"] == "shop.wsgi:create_app"
    assert verdicts(evidence) == dict.fromkeys(
        ("HighErrorRate", "SlowResponseTime", "UnauthorizedSurge"), "PASS"
    )
    changed = [one["where"] for one in evidence["changes_from_production"]]
    assert "scrape_configs[softfactory].metric_relabel_configs" in changed


def test_alerts_that_no_scenario_names_are_drilled_by_playing_series(tmp_path: Path) -> None:
    rules = tmp_path / "their.yml"
    rules.write_text(THEIRS)
    evidence, _ = drilled(tmp_path, f"--rules={rules}", "--synthetic", "-k", "alerts and synthetic")
    assert verdicts(evidence) == {"QueueTooLong-synthetic": "PASS", "JobsFail-synthetic": "PASS"}
    for one in evidence["drills"].values():
        assert one["synthetic"]
        assert one["fault"].startswith("synthetic:")
    assert evidence["drills"]["JobsFail-synthetic"]["receivers"] == [
        "pagerduty",
        "slack #incidents",
    ]
