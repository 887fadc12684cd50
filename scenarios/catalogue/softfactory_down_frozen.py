"""Master and workers are stopped: connections are accepted, and nothing is answered."""

from scenarios.conditions import Service
from scenarios.faults.freeze import Freeze
from scenarios.model import Drill

DRILL = Drill(
    alert="SoftFactoryDown",
    cause="frozen",
    fault=Freeze(),
    service=Service(own_container=True),
)
