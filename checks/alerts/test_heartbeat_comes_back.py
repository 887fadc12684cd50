"""The heartbeat is back after the repair, and the dead man's switch says so."""

import pytest

from scenarios.drill import Plan
from scenarios.heartbeat_claims import comes_back
from scenarios.history import History
from scenarios.verdict import Judging


@pytest.mark.drills(which=lambda drill: drill.heartbeat)
def test_heartbeat_comes_back(history: History, plan: Plan, judge: Judging) -> None:
    judge(comes_back(history, plan.want))
