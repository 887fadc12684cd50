"""The service accepts faults in staging, where they belong."""

from scenarios.faults.arm_faults import ArmFaults
from scenarios.model import Drill

DRILL = Drill(
    alert="FaultInjectionArmed",
    cause="below",
    fault=ArmFaults(environment="staging"),
    fires=False,
)
