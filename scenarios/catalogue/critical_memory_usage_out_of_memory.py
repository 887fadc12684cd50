"""Memory fills up until the kernel kills the worker; the one that follows starts with little."""

from scenarios.capabilities import CONTAINERS
from scenarios.conditions import Service, steady
from scenarios.faults.exhaust_memory import ExhaustMemory
from scenarios.model import Drill

DRILL = Drill(
    alert="CriticalMemoryUsage",
    cause="out-of-memory",
    load=steady(per_second=4),
    fault=ExhaustMemory(percent=97),
    service=Service(memory_limit_mb=256, own_container=True),
    hushes={"HighMemoryUsage"},
    may_fire={"HighErrorRate", "RestartLoop"},
    requires={CONTAINERS},
)
