"""What the drilled alert hushed is told once it is over, and resolves."""

import pytest

from scenarios.drill import Plan
from scenarios.history import History
from scenarios.inhibition_claims import uncovered
from scenarios.verdict import Judging


@pytest.mark.drills(which=lambda drill: bool(drill.uncovers))
def test_tells_what_it_hushed(history: History, plan: Plan, judge: Judging) -> None:
    for alert in sorted(plan.drill.uncovers):
        for verdict in uncovered(history, plan.want, plan.of(alert)):
            judge(verdict)
