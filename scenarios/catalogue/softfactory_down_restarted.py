"""A restart, as every deploy makes one, is no downtime that anybody is woken for."""

from scenarios.faults.restart import CROWD, Restart
from scenarios.model import Drill

DRILL = Drill(
    alert="SoftFactoryDown",
    cause="restarted",
    load=CROWD,
    fault=Restart(times=1),
    fires=False,
)
