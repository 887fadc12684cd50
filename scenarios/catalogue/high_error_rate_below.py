"""Three requests in a hundred fail, where the limit is five."""

from scenarios.conditions import steady
from scenarios.faults.error import Error
from scenarios.model import Drill

DRILL = Drill(
    alert="HighErrorRate",
    cause="below",
    load=steady(per_second=20),
    fault=Error(share=0.03),
    fires=False,
)
