"""Three requests in a hundred are slow, where P95 allows five."""

from scenarios.conditions import steady
from scenarios.faults.delay import Delay
from scenarios.model import Drill

DRILL = Drill(
    alert="SlowResponseTime",
    cause="below",
    load=steady(per_second=20),
    fault=Delay(seconds=1.1, share=0.03),
    fires=False,
)
