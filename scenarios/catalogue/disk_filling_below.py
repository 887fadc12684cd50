"""A disk that fills as fast, and is a little less than half full, has time."""

from scenarios.capabilities import OWN_DISK
from scenarios.conditions import LOGS, Service
from scenarios.faults.fill_disk import FillDisk
from scenarios.model import Drill

DRILL = Drill(
    alert="DiskFilling",
    cause="below",
    service=Service(disk=LOGS),
    fault=FillDisk(used=0.40, until=0.46),
    fires=False,
    requires={OWN_DISK},
)
