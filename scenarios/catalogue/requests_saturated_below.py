"""Slow requests at a low rate leave many threads free."""

from scenarios.conditions import steady
from scenarios.faults.saturate import Saturate
from scenarios.model import Drill

DRILL = Drill(
    alert="RequestsSaturated",
    cause="below",
    load=steady(per_second=4),
    fault=Saturate(seconds=1.4),
    may_fire={"SlowResponseTime", "EndpointSlow"},
    fires=False,
)
