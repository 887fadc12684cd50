"""Requests take so long that they occupy nine threads in ten."""

from scenarios.conditions import steady
from scenarios.faults.saturate import Saturate
from scenarios.model import Drill

DRILL = Drill(
    alert="RequestsSaturated",
    load=steady(per_second=20),
    fault=Saturate(seconds=2.2),
    may_fire={"SlowResponseTime", "EndpointSlow"},
)
