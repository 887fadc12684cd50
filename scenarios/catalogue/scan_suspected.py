"""Two requests in three ask for what was never there."""

from scenarios.conditions import steady
from scenarios.faults.change_journey import ChangeJourney
from scenarios.model import Drill

DRILL = Drill(
    alert="ScanSuspected",
    load=steady(per_second=10),
    fault=ChangeJourney(requests={"GET /wp-login.php": 10, "GET /.env": 10}, status=404),
)
