"""Somebody forgot the file that means maintenance."""

from scenarios.faults.maintenance import Maintenance
from scenarios.model import Drill

DRILL = Drill(
    alert="ServiceNotReady",
    fault=Maintenance(),
)
