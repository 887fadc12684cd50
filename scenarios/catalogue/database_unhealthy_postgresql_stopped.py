"""PostgreSQL is killed under the running service; connections end, and new ones are refused."""

from scenarios.capabilities import CONTAINERS
from scenarios.conditions import Service
from scenarios.faults.stop_postgresql import StopPostgreSQL
from scenarios.model import Drill

DRILL = Drill(
    alert="DatabaseUnhealthy",
    cause="postgresql-stopped",
    fault=StopPostgreSQL(),
    service=Service(own_container=True, postgresql=True),
    may_fire={
        *("HighErrorRate", "SlowResponseTime", "EndpointSlow", "FailedPayments"),
        *("RequestsSaturated", "BookingsStalled", "ServiceNotReady", "DatabasePoolSaturated"),
    },
    requires={CONTAINERS},
)
