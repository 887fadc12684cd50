"""Half of all requests come without a valid token."""

from scenarios.conditions import JOURNEY, steady
from scenarios.faults.change_journey import ChangeJourney
from scenarios.model import Drill

DRILL = Drill(
    alert="UnauthorizedSurge",
    load=steady(per_second=10),
    fault=ChangeJourney(requests={"GET /api/account": sum(JOURNEY.values())}, status=401),
)
