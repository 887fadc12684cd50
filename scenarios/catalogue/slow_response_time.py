"""One request in seven takes 1.1 s, so that P95 passes the objective of one second.

More than one in twenty is slow, which is what P95 asks; few enough that the window has drained
before Alertmanager's next flush, which halves the wait for the resolution.
"""

from scenarios.conditions import steady
from scenarios.faults.delay import Delay
from scenarios.model import Drill

DRILL = Drill(
    alert="SlowResponseTime",
    load=steady(per_second=10),
    fault=Delay(seconds=1.1, share=1 / 7),
    may_fire={"EndpointSlow"},
)
