"""A deploy makes latency buckets so fine that a scrape yields 60 % of the samples it may."""

from scenarios.faults.crowd_exposition import CrowdExposition
from scenarios.model import Drill
from stack.external.engine import SAMPLE_LIMIT_SERIES

DRILL = Drill(
    alert="ScrapeNearSampleLimit",
    cause="below",
    fault=CrowdExposition(of_limit=0.6),
    fires=False,
    requires={SAMPLE_LIMIT_SERIES},
)
