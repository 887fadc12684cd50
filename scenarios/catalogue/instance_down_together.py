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
    # Five that start at once, on a machine that is busy, take a second or two until they have asked
    # their database and are ready: that is a minute or two of production's time.
    may_fire={"DatabaseUnhealthy", "ServiceNotReady"},
)
