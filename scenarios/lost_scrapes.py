"""Which scrapes of a service failed or were never made, read from Prometheus when a drill is over.

One rule: it never judges; whether a lost scrape matters, the claims say.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise

from scenarios.history import TARGET, Event, Kind, Recorder
from scenarios.model import JOB
from stack.clients.prometheus import PrometheusClient

SEVERAL = 4
"""In so many intervals there is a scrape of every service, however busy the machine."""


def scrape_failures(
    prometheus: PrometheusClient,
    services: Mapping[str, Recorder],
    *,
    since: float,
    interval: timedelta,
    job: str = JOB,
    hidden: timedelta = timedelta(0),
) -> None:
    """Append every scrape since ``since`` that failed, or was not made, to these histories.

    Where there is none at all of a service that should have had several, nobody has watched it,
    which is a disturbance. Of the last ``hidden`` nothing is said: a later scrape may be seen there
    before an earlier one.
    ``job`` is the one that scrapes these services; who watches is scraped by a job of its own.

    Raises:
        PrometheusError: the samples of ``up`` can't be read.
    """
    now = time.time()
    seconds, until = max(1.0, now - since), now - hidden.total_seconds()
    named, unseen = "|".join(services), set(services)
    for series in prometheus.query_raw(f'up{{job="{job}",service=~"{named}"}}[{seconds:.0f}s]'):
        service = series.labels.get("service", "")
        recorder = services.get(service)
        if recorder is None:
            continue
        target = {TARGET: series.labels.get("instance", "")}
        points = [(at, value) for at, value in series.points if since <= at <= until]
        if points:
            unseen.discard(service)
        for at, value in points:
            if value == 0:
                recorder.add(Event(at=at, kind=Kind.SCRAPE_FAILED, detail=target))
        for (before, _), (after, _) in pairwise(points):
            missed = round((after - before) / interval.total_seconds()) - 1
            for number in range(1, missed + 1):
                at = before + number * interval.total_seconds()
                text = "no scrape was made"
                recorder.add(Event(at=at, kind=Kind.SCRAPE_FAILED, text=text, detail=target))
    if (watched := until - since) > SEVERAL * interval.total_seconds():
        for service in sorted(unseen):
            text = f"Prometheus has no scrape of {service} in {watched:.1f} s"
            services[service].note(Kind.DISTURBED, text=text)
