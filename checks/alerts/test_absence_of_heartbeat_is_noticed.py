"""When the heartbeat stops, the dead man's switch pages, once, within period and grace."""

import pytest

from scenarios.drill import Plan
from scenarios.heartbeat_claims import absence_noticed
from scenarios.history import History
from scenarios.verdict import Judging


@pytest.mark.drills(which=lambda drill: drill.heartbeat)
def test_absence_of_heartbeat_is_noticed(history: History, plan: Plan, judge: Judging) -> None:
    judge(absence_noticed(history, plan.want))
