"""What only SoftFactory knows of itself: its rows, its database, its payments, its backups.

One rule: a scrape reads numbers that are there already; asking for them is background work.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client import Counter, Gauge, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from instrumentation import Instrumentation
from instrumentation.database import watch_engine
from instrumentation.database_probe import watch_database
from instrumentation.demo.backup_record import BackupRecordUnreadable, read_backup_record
from instrumentation.demo.database import Database
from instrumentation.demo.payments import Outcome
from instrumentation.demo.settings import DemoSettings
from instrumentation.disks import watch_disk


def observe(
    instrumentation: Instrumentation, *, database: Database, settings: DemoSettings
) -> Counter:
    """Register SoftFactory's metrics, the work that refreshes them, and its readiness check.

    Returns:
        The counter of payment attempts, by ``outcome``, for whoever makes them.
    """
    watch_engine(instrumentation, database.engine)
    watch_database(
        instrumentation,
        database.check,
        every_seconds=settings.database_probe_seconds,
        timeout_seconds=settings.database_probe_timeout_seconds,
    )
    _observe_rows(instrumentation, database, settings.business_refresh_seconds)
    _observe_backups(instrumentation, settings)
    if database.file is not None:
        watch_disk(instrumentation, "database", database.file.parent)
    if settings.maintenance_file is not None:
        _observe_maintenance(instrumentation, settings.maintenance_file)
    attempts = Counter(
        f"{instrumentation.prefix}_payment_attempts_total",
        "Payment attempts by how they ended: succeeded, declined (the card), or failed.",
        ["outcome"],
        registry=instrumentation.registry,
    )
    for outcome in Outcome:
        attempts.labels(outcome.value)  # from 0 on: a rate misses a first increase from nothing
    return attempts


def _observe_maintenance(instrumentation: Instrumentation, file: Path) -> None:
    @instrumentation.ready_check("maintenance")
    def no_maintenance() -> None:
        if file.exists():
            raise UnderMaintenance(f"{file} exists: remove it to take requests again")


class UnderMaintenance(Exception):
    """Somebody has said that no requests should come."""


def _observe_rows(
    instrumentation: Instrumentation, database: Database, every_seconds: float
) -> None:
    gauges = {
        kind: Gauge(
            f"{instrumentation.prefix}_database_{kind}",
            f"Rows of {kind} in the database, as last counted.",
            registry=instrumentation.registry,
            multiprocess_mode="mostrecent",
        )
        for kind in ("users", "payments", "bookings")
    }

    def count_rows() -> None:
        counts = database.counts()
        gauges["users"].set(counts.users)
        gauges["payments"].set(counts.payments)
        gauges["bookings"].set(counts.bookings)

    with contextlib.suppress(SQLAlchemyError):  # the background work says so in the log
        count_rows()
    instrumentation.background("business", count_rows, every_seconds)


def _observe_backups(instrumentation: Instrumentation, settings: DemoSettings) -> None:
    gauge = Gauge(
        f"{instrumentation.prefix}_backup_last_success_timestamp_seconds",
        "When the last successful backup was completed; 0 when there is no readable record of one.",
        registry=instrumentation.registry,
        multiprocess_mode="mostrecent",  # not "max": a record that was lost counts, and says 0
    )
    completed_at = 0.0

    def read_record() -> None:
        nonlocal completed_at
        found = 0.0
        try:
            record = read_backup_record(settings.backup_status_file)
            found = 0.0 if record is None else record.completed_at
        finally:
            completed_at = found
            gauge.set(found)

    instrumentation.registry.register(
        _BackupAge(f"{instrumentation.prefix}_backup_age_seconds", lambda: completed_at)
    )
    with contextlib.suppress(BackupRecordUnreadable):  # the background work says so in the log
        read_record()
    instrumentation.background(
        "backup-record", read_record, instrumentation.settings.sample_seconds
    )


class _BackupAge(Collector):
    """How old the last backup is at the moment of the scrape; no series when there is none.

    Each worker process has read the record, so that whichever is scraped can answer.
    """

    def __init__(self, name: str, completed_at: Callable[[], float]) -> None:
        self._name = name
        self._completed_at = completed_at

    def describe(self) -> list[Metric]:
        return [self._family()]

    def collect(self) -> Iterator[Metric]:
        family = self._family()
        if completed_at := self._completed_at():
            family.add_metric([], max(0.0, time.time() - completed_at))
        yield family

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(self._name, "Time since the last successful backup.", labels=[])
