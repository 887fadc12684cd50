"""The database can be read and not written."""

from scenarios.faults.read_only_database import ReadOnlyDatabase
from scenarios.model import Drill

DRILL = Drill(
    alert="DatabaseUnhealthy",
    cause="read-only",
    may_fire={"HighErrorRate", "FailedPayments", "BookingsStalled", "ServiceNotReady"},
    fault=ReadOnlyDatabase(),
)
