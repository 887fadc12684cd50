"""The shipper's own metrics, for Prometheus.

Design rule: a scrape reads numbers that are there and the status of one file; it opens nothing,
asks nobody, and waits for no lock of the shipper's.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stack.logs.connection import SettingsError
from stack.logs.shipping.tally import Tally

__all__ = ["ShipperMetrics", "lag_bytes", "serving_metrics"]


class ShipperMetrics(Collector):
    """The families, made of the tally at each scrape."""

    def __init__(self, tally: Tally, path: Path) -> None:
        self._tally = tally
        self._path = path

    def collect(self) -> Iterator[Metric]:
        """Yield every family; label values are all there from the start."""
        tally = self._tally
        yield _counter("shipped", "Records that the index has.", tally.shipped)
        yield _counters(
            "refused",
            "Records that Elasticsearch refused; they stand among the dead letters.",
            "reason",
            tally.refused,
        )
        yield _counters(
            "retries",
            "Bulk requests sent again, by what came of the last.",
            "reason",
            tally.retries,
        )
        yield _counters(
            "odd_lines",
            "Shipped lines that were no JSON object, or had no usable time.",
            "tag",
            tally.odd_lines,
        )
        yield _counter(
            "lost_bytes",
            "Bytes of the log that were gone before they were read, by truncation or deletion.",
            tally.lost_bytes,
        )
        yield GaugeMetricFamily(
            "log_shipper_lag_bytes",
            "Bytes of the log that are not shipped yet.",
            value=lag_bytes(tally, self._path),
        )
        yield GaugeMetricFamily(
            "log_shipper_lag_seconds",
            "Age of the oldest record that is not shipped yet; 0 where there is none.",
            value=tally.lag_seconds(time.time()),
        )
        yield GaugeMetricFamily(
            "log_shipper_last_success_timestamp_seconds",
            "When the index last took records, in epoch seconds; 0 for not since the start.",
            value=tally.last_success,
        )


def lag_bytes(tally: Tally, path: Path) -> int:
    """Return how many bytes are not shipped, with the file's length of this moment."""
    seen = tally.backlog
    unshipped = max(seen.size - seen.shipped, 0)
    try:
        about = path.stat()
    except OSError:  # between two generations, or gone
        return seen.rotated_bytes + unshipped
    if (about.st_dev, about.st_ino) == (seen.device, seen.inode):
        return seen.rotated_bytes + max(about.st_size - seen.shipped, 0)
    return seen.rotated_bytes + unshipped + about.st_size


@contextmanager
def serving_metrics(tally: Tally, path: Path, *, address: str, port: int) -> Iterator[str]:
    """Serve the metrics at /metrics, in a thread; yield the URL.

    Raises SettingsError where the address can't be used.
    """
    registry = CollectorRegistry()
    registry.register(ShipperMetrics(tally, path))
    try:
        server, thread = start_http_server(port, addr=address, registry=registry)
    except (OSError, UnicodeError) as error:  # the second of a host that can be nobody's name
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise SettingsError(
            f"--metrics-address {address} --metrics-port {port}: {reason}"
        ) from error
    host = f"[{address}]" if ":" in address else address
    try:
        yield f"http://{host}:{server.server_port}/metrics"
    finally:
        with suppress(OSError):
            # Wakes the thread, which else looks for its end only every half a second.
            server.socket.shutdown(socket.SHUT_RDWR)
        server.shutdown()
        server.server_close()
        thread.join()


def _counter(name: str, what: str, value: int) -> Metric:
    return CounterMetricFamily(f"log_shipper_{name}", what, value=value)


def _counters(name: str, what: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"log_shipper_{name}", what, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
