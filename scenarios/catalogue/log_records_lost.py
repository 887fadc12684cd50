"""A folder stands where the log file was, so that every record is lost."""

from scenarios.conditions import steady
from scenarios.faults.break_log import BreakLog
from scenarios.model import Drill

DRILL = Drill(
    alert="LogRecordsLost",
    load=steady(per_second=4),
    fault=BreakLog(),
)
