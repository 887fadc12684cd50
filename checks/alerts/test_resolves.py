"""The alert ends once the fault is repaired, in time."""

import pytest

from scenarios.claims import resolved
from scenarios.drill import Plan
from scenarios.history import History
from scenarios.verdict import Judging


@pytest.mark.drills(which=lambda drill: drill.alarms)
def test_resolves(history: History, plan: Plan, judge: Judging) -> None:
    judge(resolved(history, plan.want))
