"""The resolution reaches exactly the receivers that were told of the alert, in time."""

import pytest

from scenarios.claims import resolution_arrived
from scenarios.drill import Plan
from scenarios.history import History
from scenarios.verdict import Judging


@pytest.mark.drills(which=lambda drill: drill.alarms)
def test_resolution_arrives(history: History, plan: Plan, judge: Judging) -> None:
    judge(resolution_arrived(history, plan.want))
