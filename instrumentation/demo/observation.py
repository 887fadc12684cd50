"""What only SoftFactory knows of itself: its rows, its database, its payments, its backups.

One rule: a scrape reads numbers that are there already; asking for them is background work.
"""

from __future__ import annotations

import contextlib

from prometheus_client import Counter, Gauge

from instrumentation import Instrumentation
from instrumentation.demo.backup_record import BackupRecordUnreadable, read_backup_record
from instrumentation.demo.database import Database
from instrumentation.demo.payments import Outcome
from instrumentation.demo.probe import DatabaseProbe, DatabaseProbeFailed
from instrumentation.demo.settings import DemoSettings


def observe(
    instrumentation: Instrumentation,
    *,
    database: Database,
    probe: DatabaseProbe,
    settings: DemoSettings,
) -> Counter:
    """Register SoftFactory's metrics, the work that refreshes them, and its readiness check.

    Returns:
        The counter of payment attempts, by ``outcome``, for whoever makes them.
    """
    _observe_rows(instrumentation, database, settings.business_refresh_seconds)
    _observe_database(instrumentation, probe, settings.database_probe_seconds)
    _observe_backups(instrumentation, settings)
    attempts = Counter(
        f"{instrumentation.prefix}_payment_attempts_total",
        "Payment attempts by how they ended: succeeded, declined (the card), or failed.",
        ["outcome"],
        registry=instrumentation.registry,
    )
    for outcome in Outcome:
        attempts.labels(outcome.value)  # from 0 on: a rate misses a first increase from nothing
    return attempts


def _observe_rows(
    instrumentation: Instrumentation, database: Database, every_seconds: float
) -> None:
    gauges = {
        kind: Gauge(
            f"{instrumentation.prefix}_database_{kind}",
            f"Rows of {kind} in the database, as last counted.",
            registry=instrumentation.registry,
        )
        for kind in ("users", "payments", "bookings")
    }

    def count_rows() -> None:
        counts = database.counts()
        gauges["users"].set(counts.users)
        gauges["payments"].set(counts.payments)
        gauges["bookings"].set(counts.bookings)

    count_rows()
    instrumentation.background("business", count_rows, every_seconds)


def _observe_database(
    instrumentation: Instrumentation, probe: DatabaseProbe, every_seconds: float
) -> None:
    Gauge(
        f"{instrumentation.prefix}_database_up",
        "1 while the service can read and write its database; a probe that hangs makes it 0.",
        registry=instrumentation.registry,
    ).set_function(lambda: float(probe.up))
    with contextlib.suppress(DatabaseProbeFailed):  # the gauge says so, from the first scrape on
        probe.run()
    instrumentation.background("database-probe", probe.run, every_seconds)

    @instrumentation.ready_check("database", 1.0)
    def database_is_up() -> None:
        if probe.problem is not None:
            raise DatabaseProbeFailed(probe.problem)


def _observe_backups(instrumentation: Instrumentation, settings: DemoSettings) -> None:
    gauge = Gauge(
        f"{instrumentation.prefix}_backup_last_success_timestamp_seconds",
        "When the last successful backup was completed; 0 when there is no readable record of one.",
        registry=instrumentation.registry,
    )

    def read_record() -> None:
        completed_at = 0.0
        try:
            record = read_backup_record(settings.backup_status_file)
            completed_at = 0.0 if record is None else record.completed_at
        finally:
            gauge.set(completed_at)

    with contextlib.suppress(BackupRecordUnreadable):  # the background work says so in the log
        read_record()
    instrumentation.background(
        "backup-record", read_record, instrumentation.settings.sample_seconds
    )
