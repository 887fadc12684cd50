"""Two restarts in a row are a deploy and its rollback."""

from datetime import timedelta

from scenarios.faults.restart import CROWD, Restart
from scenarios.model import Drill

DRILL = Drill(
    alert="RestartLoop",
    cause="below",
    load=CROWD,
    fault=Restart(times=2, within=timedelta(minutes=15)),
    fires=False,
)
