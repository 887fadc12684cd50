"""The shipper is killed and goes on where it was; every record arrives in the end."""

from scenarios.capabilities import ELASTICSEARCH
from scenarios.conditions import Service, steady
from scenarios.faults.kill_shipper import KillShipper
from scenarios.model import Drill

DRILL = Drill(
    alert="LogShippingStalled",
    cause="shipper",
    load=steady(per_second=4),
    service=Service(ships_logs=True),
    fault=KillShipper(),
    requires={ELASTICSEARCH},
)
