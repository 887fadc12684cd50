"""The alert fires once its condition holds."""

import pytest

from scenarios.drill import Plan
from scenarios.history import History
from scenarios.verdict import fired, judge


@pytest.mark.drills(which=lambda drill: drill.fires)
def test_fires(history: History, plan: Plan) -> None:
    judge(fired(history, plan.want))
