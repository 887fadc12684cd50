"""The heartbeat arrives, as long as nothing is broken."""

import pytest

from scenarios.drill import Plan
from scenarios.heartbeat_claims import beats
from scenarios.history import History
from scenarios.verdict import Judging


@pytest.mark.drills(which=lambda drill: drill.heartbeat)
def test_heartbeat_is_heard(history: History, plan: Plan, judge: Judging) -> None:
    judge(beats(history, plan.want))
