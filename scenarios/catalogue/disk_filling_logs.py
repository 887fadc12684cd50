"""The disk of the logs has its second half filled, at a pace that fills it within minutes."""

from scenarios.capabilities import OWN_DISK
from scenarios.conditions import LOGS, Service
from scenarios.faults.fill_disk import FillDisk
from scenarios.model import Drill

DRILL = Drill(
    alert="DiskFilling",
    cause="logs",
    service=Service(disk=LOGS),
    fault=FillDisk(used=0.55),
    requires={OWN_DISK},
)
