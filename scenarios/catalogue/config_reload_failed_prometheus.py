"""A broken configuration is pushed to Prometheus, which goes on with the old one."""

from scenarios.faults.break_configuration import BreakConfiguration
from scenarios.model import Drill

DRILL = Drill(
    alert="ConfigReloadFailed",
    cause="prometheus",
    subject="prometheus",
    fault=BreakConfiguration(of="prometheus"),
)
