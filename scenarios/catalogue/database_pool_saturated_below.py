"""Statements as slow leave more than one connection in ten of a larger pool free."""

from scenarios.conditions import Service, steady
from scenarios.faults.slow_query import SlowQuery
from scenarios.model import Drill

DRILL = Drill(
    alert="DatabasePoolSaturated",
    cause="below",
    load=steady(per_second=10),
    service=Service(environment={"DATABASE_POOL_SIZE": "24"}),
    fault=SlowQuery(seconds=1.92),
    may_fire={"SlowResponseTime", "EndpointSlow"},
    fires=False,
)
