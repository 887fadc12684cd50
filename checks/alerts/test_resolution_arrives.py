"""The resolution reaches exactly the receivers that were told of the alert, in time."""

import pytest

from scenarios.claims import resolution_arrived
from scenarios.drill import Plan
from scenarios.history import History
from scenarios.verdict import judge


@pytest.mark.drills(which=lambda drill: drill.fires)
def test_resolution_arrives(history: History, plan: Plan) -> None:
    judge(resolution_arrived(history, plan.want))
