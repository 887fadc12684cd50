"""Which build serves: a series that is always 1, whose labels say it.

One rule: what is unknown is called unknown, so that every service has the same labels.
"""

import functools
import platform
from collections.abc import Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Gauge

from instrumentation.settings import InstrumentSettings

UNKNOWN = "unknown"


def register_build_info(
    registry: CollectorRegistry, prefix: str, settings: InstrumentSettings
) -> Gauge:
    """Register `<prefix>_build_info` and return its one series, which is to be set to 1.

    While a new build replaces another there are two series.
    """
    labels = {
        "version": settings.service_version or UNKNOWN,
        "revision": settings.service_revision or UNKNOWN,
        "python": platform.python_version(),
        **libraries(),
    }
    return Gauge(
        f"{prefix}_build_info",
        "1; the labels say which build serves, and with what.",
        list(labels),
        registry=registry,
        multiprocess_mode="livemax",
    ).labels(**labels)


@functools.cache
def libraries() -> Mapping[str, str]:
    """Return the versions of what the service is made with, which are looked up on disk once."""
    return {"flask": version("flask"), "prometheus_client": version("prometheus-client")}
