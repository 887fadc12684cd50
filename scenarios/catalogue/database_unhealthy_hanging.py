"""The database is locked, so that every request hangs until its connection gives up."""

from scenarios.conditions import steady
from scenarios.faults.lock_database import LockDatabase
from scenarios.model import Drill

DRILL = Drill(
    alert="DatabaseUnhealthy",
    cause="hanging",
    load=steady(per_second=2),
    fault=LockDatabase(),
    may_fire={
        *("HighErrorRate", "SlowResponseTime", "EndpointSlow", "FailedPayments"),
        *("RequestsSaturated", "BookingsStalled", "ServiceNotReady", "TrafficGone"),
    },
)
