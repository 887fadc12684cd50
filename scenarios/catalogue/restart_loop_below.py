"""Two restarts in a row are a deploy and its rollback."""

from scenarios.faults.restart import Restart
from scenarios.model import Drill

DRILL = Drill(
    alert="RestartLoop",
    cause="below",
    fault=Restart(times=2),
    fires=False,
)
