"""Slow statements keep all but a fraction of one connection of the pool in use."""

from scenarios.conditions import Service, steady
from scenarios.faults.slow_query import SlowQuery
from scenarios.model import Drill

DRILL = Drill(
    alert="DatabasePoolSaturated",
    load=steady(per_second=8),
    service=Service(environment={"DATABASE_POOL_SIZE": "10"}),
    fault=SlowQuery(seconds=1.2),
    may_fire={"SlowResponseTime", "EndpointSlow"},
)
