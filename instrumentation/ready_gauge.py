"""Readiness as a gauge, for rules: 0 while draining or while a critical check fails, else 1.

The checks run in the background as if a probe had asked, so that a scrape waits for none of them.
"""

from prometheus_client import CollectorRegistry, Gauge

from instrumentation.health import CheckResult, Readiness, worst


class ReadyGauge:
    """Tells one application's readiness; of several workers the least ready one counts."""

    def __init__(self, readiness: Readiness, *, registry: CollectorRegistry, prefix: str) -> None:
        self._readiness = readiness
        self._gauge = Gauge(
            f"{prefix}_ready",
            "1 while no critical readiness check fails and the service is not draining.",
            registry=registry,
            multiprocess_mode="livemin",
        )

    def tell_known(self) -> None:
        """Set it from what is known, without running a check; one that never ran fails nobody."""
        known = self._readiness.known().values()
        self._tell([result for result in known if result is not None])

    def refresh(self) -> None:
        """Set it from what the checks say now; no check runs while draining."""
        self._tell([] if self._readiness.draining else self._readiness.results())

    def _tell(self, results: list[CheckResult]) -> None:
        self._gauge.set(not self._readiness.draining and worst(results) != "fail")
