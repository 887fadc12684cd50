"""A twin's alert does not fire for as long as it could have taken."""

import pytest

from scenarios.drill import Plan
from scenarios.history import History
from scenarios.quiet_claims import stayed_quiet
from scenarios.verdict import Judging


@pytest.mark.drills(which=lambda drill: not drill.fires)
def test_stays_quiet(history: History, plan: Plan, judge: Judging) -> None:
    judge(stayed_quiet(history, plan.want))
