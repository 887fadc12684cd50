"""Slow statements keep all but a fraction of one connection of the pool in use."""

from scenarios.conditions import Service, steady
from scenarios.faults.slow_query import SlowQuery
from scenarios.model import Drill

# Little's law gives an average of 19.2 connections: 19 or 20, as requests come evenly. The pool is
# read every so often, and maybe always at the same moment of the load's beat, so that the smaller
# of the two must be above the threshold as well.
DRILL = Drill(
    alert="DatabasePoolSaturated",
    load=steady(per_second=10),
    service=Service(environment={"DATABASE_POOL_SIZE": "20"}),
    fault=SlowQuery(seconds=1.92),
    may_fire={"SlowResponseTime", "EndpointSlow"},
)
