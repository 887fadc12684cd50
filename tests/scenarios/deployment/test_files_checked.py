"""The repository's files are valid where their projects' own tools say so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.deployment.config_files import Checked, files_checked, judge_files
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import DeploymentTarget
from scenarios.verdict import Status
from stack.production import production_files
from tests.scenarios.deployment.house import visit

WELL = Checked(file="rules.yml", complaint="", command="promtool check rules rules.yml")


def test_accepted_passes_and_refused_fails_with_the_command() -> None:
    assert judge_files((WELL, WELL)).status is Status.PASS
    found = judge_files((WELL, replace(WELL, complaint="parse error")))
    assert (found.status, found.observed) == (Status.FAIL, "rules.yml: parse error")
    assert found.look == WELL.command
    assert judge_files(Missing(why="no promtool")).status is Status.UNKNOWN


@pytest.mark.integration
def test_the_tools_refuse_a_broken_file_and_accept_the_shipped_ones(tmp_path: Path) -> None:
    assert judge_files(files_checked(visit(DeploymentTarget()))).status is Status.PASS
    broken = tmp_path / "rules.yml"
    broken.write_text("groups: [{name: a, rules: [{alert: A, expr: 'sum('}]}]\n")
    target = DeploymentTarget(files=replace(production_files(), rules=broken))
    found = judge_files(files_checked(visit(target)))
    assert found.status is Status.FAIL
    assert "rules.yml" in found.observed
