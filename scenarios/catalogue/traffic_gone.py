"""The load stops, as with a broken load balancer, and the service stays up."""

from datetime import timedelta

from scenarios.conditions import steady
from scenarios.faults.stop_traffic import StopTraffic
from scenarios.model import Drill

DRILL = Drill(
    alert="TrafficGone",
    loaded_for=timedelta(minutes=12),  # the rule compares with what came before the last 10m
    load=steady(per_second=4),
    fault=StopTraffic(fills=5 / 30),  # no request over 5m, where there were some over 30m
)
