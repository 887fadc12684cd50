"""Scrapes take a fifth of their time-out, many times what they take by themselves."""

from scenarios.conditions import Service
from scenarios.faults.slow_scrapes import SlowScrapes
from scenarios.model import Drill

DRILL = Drill(
    alert="ScrapeSlow",
    cause="below",
    service=Service(relayed=True),
    fault=SlowScrapes(of_timeout=0.2),
    fires=False,
)
