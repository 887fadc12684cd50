"""Half of the requests fail."""

from scenarios.faults.error import Error
from scenarios.model import Drill

DRILL = Drill(alert="HighErrorRate", fault=Error(share=0.5))
