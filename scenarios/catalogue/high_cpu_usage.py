"""Requests burn 117 % of the CPU that the service may use, a limit small enough for neighbours."""

from scenarios.conditions import Service, steady
from scenarios.faults.burn_cpu import BurnCPU
from scenarios.model import Drill

DRILL = Drill(
    alert="HighCPUUsage",
    load=steady(per_second=5),
    service=Service(cpu_limit_cores=0.12),
    fault=BurnCPU(seconds=0.028),
)
