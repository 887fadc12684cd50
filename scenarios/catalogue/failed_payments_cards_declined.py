"""A wave of declined cards is the customers' business: the alert must stay quiet."""

from scenarios.conditions import PAYING, steady
from scenarios.faults.decline_cards import DeclineCards
from scenarios.model import Drill

DRILL = Drill(
    alert="FailedPayments",
    cause="cards-declined",
    load=steady(per_second=4, journey=PAYING),
    fault=DeclineCards(),
    fires=False,
)
