"""Half of the requests fail, which burns fast; slow burn is hushed meanwhile, and told after."""

from scenarios.conditions import Service, steady
from scenarios.faults.error import Error
from scenarios.model import BUDGETS, Drill

DRILL = Drill(
    alert="SuccessBudgetBurnFast",
    stack=BUDGETS,
    service=Service(instances=2),  # a lost scrape of one is no unavailability
    load=steady(per_second=5),
    fault=Error(share=0.5),
    hushes={"SuccessBudgetBurnSlow"},
    uncovers={"SuccessBudgetBurnSlow"},
)
