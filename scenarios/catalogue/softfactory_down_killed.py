"""Every process of the service is killed; connections are refused."""

from scenarios.faults.kill import Kill
from scenarios.model import Drill

DRILL = Drill(alert="SoftFactoryDown", cause="killed", fault=Kill())
