"""One request in eleven comes without a valid token, as expired sessions do."""

from scenarios.conditions import steady
from scenarios.faults.change_journey import ChangeJourney
from scenarios.model import Drill

DRILL = Drill(
    alert="UnauthorizedSurge",
    cause="below",
    load=steady(per_second=10),
    fault=ChangeJourney(requests={"GET /api/account": 1}, status=401),
    fires=False,
)
