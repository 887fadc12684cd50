"""Half of the requests fail."""

from scenarios.conditions import steady
from scenarios.faults.error import Error
from scenarios.model import Drill

DRILL = Drill(alert="HighErrorRate", load=steady(per_second=10), fault=Error(share=0.5))
