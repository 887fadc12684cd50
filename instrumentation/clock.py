"""The time that this machine believes it is, read at the moment of the scrape.

Prometheus notes when it scraped, so that the difference of the two is the skew of the clocks.
"""

import time
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class ClockCollector(Collector):
    """Exposes the clock of whichever worker is asked; they share a machine."""

    def __init__(self, *, prefix: str) -> None:
        self._prefix = prefix

    def collect(self) -> Iterator[Metric]:
        """Yield the time now."""
        yield GaugeMetricFamily(
            f"{self._prefix}_clock_timestamp_seconds",
            "The machine's clock at the scrape.",
            value=time.time(),
        )
