"""The alert ends once the fault is repaired, in time."""

import pytest

from scenarios.claims import resolved
from scenarios.drill import Plan
from scenarios.history import History
from scenarios.verdict import judge


@pytest.mark.drills(which=lambda drill: drill.fires)
def test_resolves(history: History, plan: Plan) -> None:
    judge(resolved(history, plan.want))
