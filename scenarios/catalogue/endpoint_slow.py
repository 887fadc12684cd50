"""Every request to one rare endpoint is slow; P95 over all requests does not show it."""

from scenarios.conditions import steady
from scenarios.faults.delay import Delay
from scenarios.model import Drill

RARE = "GET /api/bookings"

DRILL = Drill(
    alert="EndpointSlow",
    load=steady(per_second=20, journey={"GET /api/users": 29, RARE: 1}),
    fault=Delay(seconds=1.1, share=1.0, only=(RARE,)),
)
