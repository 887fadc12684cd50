"""The clock of the service jumps 20 s ahead."""

from scenarios.capabilities import OWN_CLOCK
from scenarios.conditions import Service
from scenarios.faults.skew_clock import SkewClock
from scenarios.model import Drill

DRILL = Drill(
    alert="ClockSkew",
    service=Service(own_clock=True),
    fault=SkewClock(seconds=20),
    requires={OWN_CLOCK},
)
