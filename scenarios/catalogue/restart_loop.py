"""The service crashes again and again, each time soon after its start."""

from datetime import timedelta

from scenarios.faults.restart import CROWD, Restart
from scenarios.model import Drill

DRILL = Drill(
    alert="RestartLoop",
    load=CROWD,
    fault=Restart(times=4, within=timedelta(minutes=15)),
)
