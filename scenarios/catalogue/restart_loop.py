"""The service crashes again and again, each time soon after its start."""

from scenarios.faults.restart import Restart
from scenarios.model import Drill

DRILL = Drill(
    alert="RestartLoop",
    fault=Restart(times=4),
)
