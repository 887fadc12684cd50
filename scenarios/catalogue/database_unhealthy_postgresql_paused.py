"""PostgreSQL is frozen: connections stay, and no statement is answered."""

from scenarios.capabilities import CONTAINERS
from scenarios.conditions import Service
from scenarios.faults.pause_postgresql import PausePostgreSQL
from scenarios.model import Drill

DRILL = Drill(
    alert="DatabaseUnhealthy",
    cause="postgresql-paused",
    fault=PausePostgreSQL(),
    service=Service(own_container=True, postgresql=True),
    may_fire={
        *("HighErrorRate", "SlowResponseTime", "EndpointSlow", "FailedPayments", "TrafficGone"),
        *("RequestsSaturated", "BookingsStalled", "ServiceNotReady", "DatabasePoolSaturated"),
    },
    requires={CONTAINERS},
)
