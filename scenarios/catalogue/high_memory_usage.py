"""Requests hold memory to 87 % of the limit, midway between this alert and the critical one."""

from scenarios.conditions import Service, steady
from scenarios.faults.hold_memory import HoldMemory
from scenarios.model import Drill

DRILL = Drill(
    alert="HighMemoryUsage",
    load=steady(per_second=4),
    fault=HoldMemory(percent=87),
    service=Service(memory_limit_mb=160, own_container=True),
)
