"""One instance of two is killed; the service goes on."""

from scenarios.conditions import Service
from scenarios.faults.kill_some import KillSome
from scenarios.model import Drill

DRILL = Drill(
    alert="InstanceDown",
    service=Service(instances=2),
    fault=KillSome(number=1),
)
