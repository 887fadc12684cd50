"""Every process of the service is killed; connections are refused."""

from scenarios.conditions import Service
from scenarios.faults.kill import Kill
from scenarios.model import Drill

DRILL = Drill(
    alert="SoftFactoryDown",
    cause="killed",
    fault=Kill(),
    service=Service(own_container=True),
)
