"""The database is moved away under the running service, so its requests fail as well."""

from scenarios.faults.move_database import MoveDatabase
from scenarios.model import Drill

DRILL = Drill(
    alert="DatabaseUnhealthy",
    fault=MoveDatabase(),
    may_fire={"HighErrorRate", "FailedPayments", "BookingsStalled", "ServiceNotReady"},
)
