"""The service vanishes from discovery, so that there is no series left that could be zero."""

from scenarios.faults.deregister import Deregister
from scenarios.model import Drill

DRILL = Drill(alert="SoftFactoryDown", cause="removed", fault=Deregister())
