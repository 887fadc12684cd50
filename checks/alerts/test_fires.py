"""The alert fires once its condition holds."""

import pytest

from scenarios.claims import fired
from scenarios.drill import Plan
from scenarios.history import History
from scenarios.verdict import Judging


@pytest.mark.drills(which=lambda drill: drill.alarms)
def test_fires(history: History, plan: Plan, judge: Judging) -> None:
    judge(fired(history, plan.want))
