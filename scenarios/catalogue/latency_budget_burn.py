"""Every request is slow, which burns fast; slow burn is hushed meanwhile, and told afterwards."""

from scenarios.conditions import Service, steady
from scenarios.faults.delay import Delay
from scenarios.model import BUDGETS, Drill

DRILL = Drill(
    alert="LatencyBudgetBurnFast",
    stack=BUDGETS,
    service=Service(instances=2),  # a lost scrape of one is no unavailability
    load=steady(per_second=5),
    fault=Delay(seconds=1.1, share=1.0),
    hushes={"LatencyBudgetBurnSlow"},
    uncovers={"LatencyBudgetBurnSlow"},
)
