"""The subordinate alerts fire too, and are inhibited by the drilled one."""

import pytest

from scenarios.drill import Plan
from scenarios.history import History
from scenarios.inhibition_claims import hushed
from scenarios.verdict import Judging


@pytest.mark.drills(which=lambda drill: bool(drill.hushes))
def test_inhibits_its_subordinates(history: History, plan: Plan, judge: Judging) -> None:
    for subordinate in sorted(plan.drill.hushes):
        judge(hushed(history, plan.want, subordinate))
