"""The load stops, as with a broken load balancer, and the service stays up."""

from scenarios.faults.stop_traffic import StopTraffic
from scenarios.model import Drill

DRILL = Drill(
    alert="TrafficGone",
    fault=StopTraffic(),
)
