"""A deploy makes latency buckets so fine that a scrape yields 90 % of the samples it may.

So long a page takes its time, too, on a busy machine.
"""

from scenarios.faults.crowd_exposition import CrowdExposition
from scenarios.model import Drill
from stack.external.engine import SAMPLE_LIMIT_SERIES

DRILL = Drill(
    alert="ScrapeNearSampleLimit",
    fault=CrowdExposition(of_limit=0.9),
    may_fire={"ScrapeSlow"},
    requires={SAMPLE_LIMIT_SERIES},
)
