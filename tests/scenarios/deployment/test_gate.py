"""The whole gate, as a person or a CI job runs it, against a deployment of real parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.deployment.house import House, gate

pytestmark = pytest.mark.integration


def test_a_healthy_deployment_passes(house: House, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    done = gate(tmp_path, *house.options(), f"--summary={summary}")
    print(done.output)
    assert set(done.verdicts().values()) == {"PASS"}, done.output
    assert done.status == 0
