"""Nothing fires that the scenario doesn't declare, neither for its service nor for the control."""

from scenarios.drill import Plan
from scenarios.history import History
from scenarios.quiet_claims import quiet
from scenarios.result import Result
from scenarios.verdict import Judging


def test_nothing_else_fires(history: History, plan: Plan, result: Result, judge: Judging) -> None:
    judge(quiet(history, plan.want, result.controls[plan.drill.id]))
