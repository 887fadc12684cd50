"""A month's allowance of downtime burns fast; slow burn is hushed meanwhile, and told after."""

from scenarios.conditions import Service, steady
from scenarios.faults.kill import Kill
from scenarios.model import BUDGETS, Drill

DRILL = Drill(
    alert="AvailabilityBudgetBurnFast",
    stack=BUDGETS,
    service=Service(instances=2),  # a lost scrape of one is no unavailability
    load=steady(per_second=2),
    fault=Kill(averaged=True),
    hushes={"AvailabilityBudgetBurnSlow"},
    uncovers={"AvailabilityBudgetBurnSlow"},
)
