"""The alert fires and arrives neither too early nor late."""

import pytest

from scenarios.claims import in_time
from scenarios.drill import Plan
from scenarios.history import History
from scenarios.verdict import Judging


@pytest.mark.drills(which=lambda drill: drill.alarms)
def test_fires_in_time(history: History, plan: Plan, judge: Judging) -> None:
    judge(in_time(history, plan.want))
