"""What an application does not watch itself is watched for it, from outside.

One rule: watching changes nothing: no file is made, and no row is written.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from instrumentation.extension import Instrumentation
from instrumentation.surroundings import Surroundings


def watch(instrumentation: Instrumentation, surroundings: Surroundings) -> None:
    """Have watched what `surroundings` name: maintenance, database, backup."""
    if (file := surroundings.maintenance_file) is not None:

        @instrumentation.ready_check("drill-maintenance")
        def no_maintenance() -> None:
            if file.exists():
                raise UnderMaintenance(f"{file} exists: remove it to take requests again")

    if (database := surroundings.database_file) is not None:
        from instrumentation.database_probe import watch_database

        watch_database(
            instrumentation,
            SQLiteCheck(database),
            every_seconds=surroundings.probe_seconds,
            timeout_seconds=surroundings.probe_timeout_seconds,
        )
    if surroundings.backup_file is not None:
        _watch_backup(instrumentation, surroundings.backup_file)


class UnderMaintenance(Exception):
    """Somebody has said that no requests should come."""


class TablesGone(Exception):
    """The file is there, and what was in it is not."""


class SQLiteCheck:
    """Whether a database can be used: its tables are there, and a write is taken and rolled back.

    An application that opens a file which is gone makes an empty one, of which every plain question
    is answered: so the tables that were seen once must be there from then on. The check itself
    makes no file. Raises sqlite3.Error, and TablesGone.
    """

    def __init__(self, file: Path) -> None:
        self._address = f"{file.resolve().as_uri()}?mode=rw"
        self._file = file
        self._known: frozenset[str] = frozenset()

    def __call__(self) -> None:
        """Ask once; raises as said above."""
        with closing(sqlite3.connect(self._address, uri=True, isolation_level=None)) as asked:
            rows = asked.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = frozenset(str(name) for (name,) in rows)
            if gone := sorted(self._known - tables):
                raise TablesGone(f"{self._file} has no table {', '.join(gone)} any more")
            self._known = tables
            asked.execute("BEGIN IMMEDIATE")
            asked.execute("PRAGMA user_version = 1")
            asked.execute("ROLLBACK")


def _watch_backup(instrumentation: Instrumentation, file: Path) -> None:
    from prometheus_client import Gauge

    gauge = Gauge(
        f"{instrumentation.prefix}_backup_last_success_timestamp_seconds",
        "When the file of the last backup was written; 0 when there is none.",
        registry=instrumentation.registry,
        multiprocess_mode="mostrecent",
    )

    def read_time() -> None:
        try:
            gauge.set(file.stat().st_mtime)
        except FileNotFoundError:
            gauge.set(0.0)

    read_time()
    instrumentation.background("backup-file", read_time, instrumentation.settings.sample_seconds)
