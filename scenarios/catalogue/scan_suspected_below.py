"""One request in eleven follows a dead link."""

from scenarios.conditions import steady
from scenarios.faults.change_journey import ChangeJourney
from scenarios.model import Drill

DRILL = Drill(
    alert="ScanSuspected",
    cause="below",
    load=steady(per_second=10),
    fault=ChangeJourney(requests={"GET /old-page": 1}, status=404),
    fires=False,
)
