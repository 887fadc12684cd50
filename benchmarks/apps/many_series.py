"""A service whose every worker holds 300 series of its own, beside those of the instrumentation.

Half a dozen counters and histograms with labels, as a service of some size has: 60 children of a
counter, and 16 of a histogram, each of 15 series.
"""

from __future__ import annotations

import os

from flask import Flask
from prometheus_client import Counter, Histogram

from benchmarks.apps.driving import routes
from instrumentation import instrument

COUNTED, TIMED = 60, 16
BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)
SERIES = COUNTED + TIMED * (len(BUCKETS) + 3)  # and +Inf, the count and the sum


def create_app() -> Flask:
    """Make the application; each series has counted something when it is returned."""
    app = routes(Flask("many", static_folder=None))
    registry = instrument(app).registry
    stock = Counter("shop_stock_moves_total", "Moves.", ["article"], registry=registry)
    for number in range(COUNTED):
        stock.labels(f"article-{number}").inc(number)
    steps = Histogram("shop_step_ms", "Steps.", ["step"], buckets=BUCKETS, registry=registry)
    for number in range(TIMED):
        steps.labels(f"step-{number}").observe(number * 10.0)

    @app.get("/directory")
    def directory() -> str:
        return os.environ["PROMETHEUS_MULTIPROC_DIR"]

    return app
