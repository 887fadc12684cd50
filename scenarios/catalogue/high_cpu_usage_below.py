"""Requests burn half of the CPU that the service may use."""

from scenarios.conditions import Service, steady
from scenarios.faults.burn_cpu import BurnCPU
from scenarios.model import Drill

DRILL = Drill(
    alert="HighCPUUsage",
    cause="below",
    load=steady(per_second=5),
    service=Service(cpu_limit_cores=0.3),
    fault=BurnCPU(seconds=0.028, witness_ratio=0.4),
    fires=False,
)
