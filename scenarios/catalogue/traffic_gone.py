"""The load stops, as with a broken load balancer, and the service stays up."""

from scenarios.faults.stop_traffic import StopTraffic
from scenarios.model import Drill

DRILL = Drill(
    alert="TrafficGone",
    fault=StopTraffic(fills=5 / 30),  # no request over 5m, where there were some over 30m
)
