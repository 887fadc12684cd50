"""Requests burn 90 % of a quota that the kernel gives; what the service does besides adds to it."""

from scenarios.capabilities import CONTAINERS
from scenarios.conditions import Service, steady
from scenarios.faults.burn_cpu import BurnCPU
from scenarios.model import Drill

DRILL = Drill(
    alert="HighCPUUsage",
    cause="quota",
    load=steady(per_second=5),
    service=Service(own_container=True, cpu_quota_cores=0.5),
    fault=BurnCPU(seconds=0.09, witness_ratio=0.85),
    requires={CONTAINERS},
)
