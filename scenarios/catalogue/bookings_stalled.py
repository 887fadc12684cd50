"""Every booking fails, which is a small share of all requests."""

from scenarios.conditions import steady
from scenarios.faults.error import Error
from scenarios.model import Drill

DRILL = Drill(
    alert="BookingsStalled",
    # Two bookings in three seconds, so that the shortest window of any time scale holds one.
    load=steady(per_second=20, journey={"GET /api/users": 30, "POST /api/bookings": 1}),
    fault=Error(share=1.0, status=503, only=("POST /api/bookings",), fills=1.0),
)
