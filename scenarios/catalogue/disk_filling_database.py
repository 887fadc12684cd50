"""The disk of the database has its second half filled, at a pace that fills it within minutes."""

from scenarios.capabilities import OWN_DISK
from scenarios.conditions import DATABASE, Service
from scenarios.faults.fill_disk import FillDisk
from scenarios.model import Drill

DRILL = Drill(
    alert="DiskFilling",
    cause="database",
    service=Service(disk=DATABASE),
    fault=FillDisk(used=0.55),
    requires={OWN_DISK},
)
