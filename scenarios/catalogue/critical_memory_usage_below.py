"""Memory at 91 % is high, and not critical."""

from scenarios.conditions import Service, steady
from scenarios.faults.hold_memory import HoldMemory
from scenarios.model import Drill

DRILL = Drill(
    alert="CriticalMemoryUsage",
    cause="below",
    load=steady(per_second=4),
    fault=HoldMemory(percent=91),
    service=Service(memory_limit_mb=160, own_container=True),
    may_fire={"HighMemoryUsage"},
    fires=False,
)
