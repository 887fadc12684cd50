"""Three requests in four take 1.5 s, so that P95 passes the objective of one second."""

from scenarios.conditions import steady
from scenarios.faults.delay import Delay
from scenarios.model import Drill

DRILL = Drill(
    alert="SlowResponseTime",
    load=steady(per_second=10),
    fault=Delay(seconds=1.5, share=0.75),
)
