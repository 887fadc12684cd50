"""Scrapes take three quarters of their time-out, half-way from the threshold to failing."""

from scenarios.conditions import Service
from scenarios.faults.slow_scrapes import SlowScrapes
from scenarios.model import Drill

DRILL = Drill(
    alert="ScrapeSlow",
    service=Service(relayed=True),
    fault=SlowScrapes(of_timeout=0.75),
)
