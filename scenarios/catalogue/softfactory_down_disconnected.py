"""The container is cut off from its network: it runs, and nobody reaches it."""

from scenarios.capabilities import CONTAINERS
from scenarios.conditions import Service
from scenarios.faults.disconnect import Disconnect
from scenarios.model import Drill

DRILL = Drill(
    alert="SoftFactoryDown",
    cause="disconnected",
    fault=Disconnect(),
    service=Service(own_container=True),
    requires={CONTAINERS},
)
