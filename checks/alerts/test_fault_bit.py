"""The fault was seen to take effect, by clients or by the kernel, before any alert is judged."""

from scenarios.claims import fault_bit
from scenarios.drill import Plan
from scenarios.history import History
from scenarios.verdict import Judging


def test_fault_bit(history: History, plan: Plan, judge: Judging) -> None:
    judge(fault_bit(history, plan.want))
