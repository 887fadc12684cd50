"""Requests hold memory to 97 % of the limit, past HighMemoryUsage, which must stay silent."""

from scenarios.conditions import Service, steady
from scenarios.faults.hold_memory import HoldMemory
from scenarios.model import Drill

DRILL = Drill(
    alert="CriticalMemoryUsage",
    load=steady(per_second=4),
    fault=HoldMemory(percent=97),
    service=Service(memory_limit_mb=160, own_container=True),
    hushes={"HighMemoryUsage"},
)
