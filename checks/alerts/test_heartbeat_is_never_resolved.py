"""The heartbeat's receiver is never told of a resolution, which it would take for a beat."""

import pytest

from scenarios.drill import Plan
from scenarios.heartbeat_claims import never_resolved
from scenarios.history import History
from scenarios.verdict import Judging


@pytest.mark.drills(which=lambda drill: drill.heartbeat)
def test_heartbeat_is_never_resolved(history: History, plan: Plan, judge: Judging) -> None:
    judge(never_resolved(history, plan.want))
