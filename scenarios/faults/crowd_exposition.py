"""A deploy adds so many series that a scrape holds nearly as many samples as it may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, FaultDidNotBite, Witness
from scenarios.faults.process import witnessed
from scenarios.faults.redeploy import redeployed
from scenarios.target import Target

EDGES = "INSTRUMENT_LATENCY_BUCKETS_MS"
BUCKET = "softfactory_request_latency_ms_bucket{"

TOLERANCE = 0.05
"""By how much of the limit the samples may be off: series of statuses come with their requests."""

ABOVE_ALL_MS = 60_000.0
"""The first edge that is added: longer than any request takes, so that no quantile moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdExposition:
    """Deploy the service with latency buckets so fine that a scrape has ``of_limit`` of its limit.

    The limit is that of the run's own Prometheus, and the number of buckets follows from what the
    service exposes at that moment.
    """

    of_limit: float
    downtime: bool = True

    @property
    def text(self) -> str:
        """What is broken."""
        return f"a scrape yields {self.of_limit:.0%} of the samples that it may"

    def effect(self, load: Load, service: Service) -> Effect:
        """The first scrape shows it."""
        return Effect()

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Redeploy with more buckets; the samples of the page, counted here, are the witness."""
        limit = target.scraping.sample_limit
        if not limit:
            raise FaultDidNotBite(
                "no sample_limit is set for the targets, so none can be near; "
                "look: sample_limit in stack/prometheus-config.yml"
            )
        edges = _edges_for(round(self.of_limit * limit), _samples(target))
        with redeployed(target, {EDGES: edges}):
            yield witnessed(
                target,
                lambda: abs(len(_samples(target)) / limit - self.of_limit) < TOLERANCE,
                f"the metrics page holds about {self.of_limit:.0%} of {limit} samples",
            )


def _samples(target: Target) -> list[str]:
    page = target.instance.url + "/api/metrics/prometheus"
    text = requests.get(page, timeout=target.patience_seconds).text
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _edges_for(wanted: int, samples: list[str]) -> str:
    """Return the upper edges with which a page of these ``samples`` would hold ``wanted``."""
    buckets = [line for line in samples if line.startswith(BUCKET)]
    histograms = sum('le="+Inf"' in line for line in buckets)
    if not histograms:
        raise FaultDidNotBite(f"no {BUCKET}...}} is exposed, whose edges could be made finer")
    now = sorted({_edge(line) for line in buckets} - {float("inf")})
    more = max(0, round((wanted - len(samples)) / histograms))
    return ",".join(f"{edge:g}" for edge in (*now, *(ABOVE_ALL_MS + n for n in range(more))))


def _edge(line: str) -> float:
    return float(line.split('le="', 1)[1].split('"', 1)[0])
