"""The service is deployed to production and accepts faults there."""

from scenarios.faults.arm_faults import ArmFaults
from scenarios.model import Drill

DRILL = Drill(
    alert="FaultInjectionArmed",
    fault=ArmFaults(environment="production"),
)
