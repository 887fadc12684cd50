"""The clock of the service is four seconds ahead, one less than what breaks signatures."""

from scenarios.capabilities import OWN_CLOCK
from scenarios.conditions import Service
from scenarios.faults.skew_clock import SkewClock
from scenarios.model import Drill

DRILL = Drill(
    alert="ClockSkew",
    cause="below",
    service=Service(own_clock=True),
    fault=SkewClock(seconds=4),
    fires=False,
    requires={OWN_CLOCK},
)
