"""The notification reaches exactly its receivers, once, with the right words."""

import pytest

from scenarios.claims import delivered
from scenarios.drill import Plan
from scenarios.history import History
from scenarios.verdict import Judging


@pytest.mark.drills(which=lambda drill: drill.alarms)
def test_reaches_exactly_its_receivers(history: History, plan: Plan, judge: Judging) -> None:
    judge(delivered(history, plan.want))
