"""Requests hold memory to 76 % of the limit, just below the alert's 80 %."""

from scenarios.conditions import Service, steady
from scenarios.faults.hold_memory import HoldMemory
from scenarios.model import Drill

DRILL = Drill(
    alert="HighMemoryUsage",
    cause="below",
    load=steady(per_second=4),
    fault=HoldMemory(percent=76),
    service=Service(memory_limit_mb=160, own_container=True),
    fires=False,
)
