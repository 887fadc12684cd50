"""A drill that was disturbed is repeated, on a stack of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from scenarios import attempts
from scenarios.attempts import drilled
from scenarios.catalogue import drills
from scenarios.result import Result
from scenarios.settings import Settings


def test_a_disturbed_drill_is_run_again_on_a_stack_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts = iter([{"FaultInjectionArmed": "for this test"}, {}])
    seen: list[Result] = []

    def once(found: Result) -> Mapping[str, str]:
        seen.append(found)
        return next(verdicts)

    monkeypatch.setattr(attempts, "disturbed", once)
    chosen = [one for one in drills() if one.id == "FaultInjectionArmed"]
    said: list[str] = []
    with drilled(Settings(reports=tmp_path), chosen, said.append) as (campaign, found):
        assert campaign.prometheus.targets()
    first, second = seen
    assert found.histories["FaultInjectionArmed"] == second.histories["FaultInjectionArmed"]
    assert first.histories["FaultInjectionArmed"].events[-1].at < (
        second.histories["FaultInjectionArmed"].events[0].at
    )
    assert found.repeated == {"FaultInjectionArmed": ("for this test",)}
    assert any("drilled again" in line for line in said)
