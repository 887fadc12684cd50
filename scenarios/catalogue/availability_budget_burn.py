"""A month's allowance of downtime burns fast; slow burn is hushed meanwhile, and told after."""

from scenarios.conditions import steady
from scenarios.faults.kill import Kill
from scenarios.model import BUDGETS, Drill

DRILL = Drill(
    alert="AvailabilityBudgetBurnFast",
    stack=BUDGETS,
    load=steady(per_second=2),
    fault=Kill(averaged=True),
    hushes={"AvailabilityBudgetBurnSlow"},
    uncovers={"AvailabilityBudgetBurnSlow"},
)
