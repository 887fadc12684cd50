"""A deploy that accepts faults in production is seen to obey one, and is rolled back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from scenarios.conditions import Service
from scenarios.faults.arm_faults import ArmFaults, runs_in
from scenarios.faults.fault import FaultDidNotBite
from scenarios.target import Target

pytestmark = pytest.mark.integration

Serving = Callable[[Service], Target]


def test_production_obeys_while_the_fault_lasts_and_the_drill_is_back_after(
    serving: Serving,
) -> None:
    target = serving(Service())
    before = dict(target.instance.environment)
    with ArmFaults(environment="production").inject(target) as witness:
        assert "obeyed a signed fault" in witness.text
        assert runs_in(target) == "production"
    assert runs_in(target) == "drill"
    assert dict(target.instance.environment) == before


def test_a_deploy_under_another_name_is_no_witness_and_is_rolled_back(serving: Serving) -> None:
    target = replace(serving(Service()), patience_seconds=3.0)
    nameless = ArmFaults(environment="")
    with pytest.raises(FaultDidNotBite), nameless.inject(target):
        pytest.fail("it was taken for armed")
    assert runs_in(target) == "drill"
