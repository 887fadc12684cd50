"""Records that the index refuses are told, and kept where they can be mended."""

from scenarios.capabilities import ELASTICSEARCH
from scenarios.conditions import Service, steady
from scenarios.faults.refuse_records import RefuseRecords
from scenarios.model import Drill

DRILL = Drill(
    alert="LogRecordsLost",
    cause="refused",
    load=steady(per_second=4),
    service=Service(ships_logs=True),
    fault=RefuseRecords(),
    requires={ELASTICSEARCH},
)
