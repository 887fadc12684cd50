"""Ten instances of eleven are killed at once: one notification, which lists them."""

from scenarios.conditions import Service, steady
from scenarios.faults.kill_some import KillSome
from scenarios.model import Drill

DRILL = Drill(
    alert="InstanceDown",
    cause="together",
    load=steady(per_second=2),
    service=Service(instances=11),
    fault=KillSome(number=10),
    # Ten that start at once take a second or two to be ready: at time scale 120, two minutes.
    may_fire={"ServiceNotReady"},
)
