"""A broken configuration is pushed to Alertmanager, which goes on with the old one."""

from scenarios.faults.break_configuration import BreakConfiguration
from scenarios.model import Drill

DRILL = Drill(
    alert="ConfigReloadFailed",
    cause="alertmanager",
    subject="alertmanager",
    fault=BreakConfiguration(of="alertmanager"),
)
