"""A real online backup of SoftFactory's database, which goes on serving meanwhile.

One rule: a copy gets its name after it was verified, and the record is written after that; a backup
that fails leaves the last good one, and its record, as they were.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL

from instrumentation.demo.backup_record import BackupRecord, write_backup_record
from instrumentation.demo.database import parse_url, sqlite_connection, sqlite_path
from instrumentation.demo.models import Base
from instrumentation.demo.settings import DemoSettings

LOCK_WAIT_SECONDS = 60.0  # how long a writer may keep SQLite from being copied
TABLES = tuple(sorted(Base.metadata.tables))


class BackupFailed(Exception):
    """No backup was made; the message is one line and says why."""


def back_up(settings: DemoSettings) -> BackupRecord:
    """Copy the database, verify the copy, put it in place, and record that.

    SQLite is copied by its online backup, whose result is the state of one moment: readers go on,
    and a commit waits while the pages are copied. PostgreSQL is dumped by ``pg_dump``.

    Returns:
        The record that was written.

    Raises:
        BackupFailed: anything went wrong; nothing was recorded.
        SettingsError: ``DATABASE_URL`` is no database's.
    """
    url = parse_url(settings.database_url)
    try:
        if url.get_backend_name() == "sqlite":
            return _keep(settings, ".sqlite3", lambda draft: _copy_sqlite(sqlite_path(url), draft))
        return _keep(settings, ".dump", lambda draft: _dump_postgresql(url, draft))
    except (OSError, sqlite3.Error) as error:
        shown = url.render_as_string(hide_password=True)
        raise BackupFailed(f"can't back up {shown}: {error}") from error


def _keep(settings: DemoSettings, suffix: str, copy_to: Callable[[Path], None]) -> BackupRecord:
    directory = settings.backup_directory
    directory.mkdir(parents=True, exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = directory / f"softfactory-{moment}{suffix}"
    with _draft_of(path) as draft:
        copy_to(draft)
        _flush(draft)
        draft.replace(path)
        _flush(directory)
    record = BackupRecord(
        completed_at=time.time(), path=str(path.absolute()), bytes=path.stat().st_size
    )
    write_backup_record(settings.backup_status_file, record)
    return record


@contextlib.contextmanager
def _draft_of(path: Path) -> Iterator[Path]:
    draft = path.with_name(f".{path.name}.partial")
    draft.touch(mode=0o600, exist_ok=False)  # it holds people's addresses
    try:
        yield draft
    finally:
        for left in (draft, draft.with_name(f"{draft.name}-journal")):
            left.unlink(missing_ok=True)


def _copy_sqlite(source_path: Path, draft: Path) -> None:
    deadline = time.monotonic() + LOCK_WAIT_SECONDS

    def give_up_in_time(status: int, remaining: int, total: int) -> None:
        waits = status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        if waits and time.monotonic() > deadline:
            raise BackupFailed(f"{source_path} was locked for {LOCK_WAIT_SECONDS:g} s")

    # "rw", not "ro": after a crash SQLite first has to roll an unfinished transaction back.
    with (
        contextlib.closing(
            sqlite_connection(source_path, mode="rw", busy_seconds=LOCK_WAIT_SECONDS)
        ) as source,
        contextlib.closing(sqlite_connection(draft, mode="rw", busy_seconds=0)) as copy,
    ):
        # All pages in one step: page by page, each commit of the service would start it anew.
        source.backup(copy, pages=-1, progress=give_up_in_time)
    with contextlib.closing(sqlite_connection(draft, mode="ro", busy_seconds=0)) as copy:
        found = [row[0] for row in copy.execute("PRAGMA integrity_check")]
        if found != ["ok"]:
            raise BackupFailed(f"the copy of {source_path} is damaged: {found[0]}")
        tables = {row[0] for row in copy.execute("SELECT name FROM sqlite_schema")}
        _expect_tables(source_path.name, tables)


def _dump_postgresql(url: URL, draft: Path) -> None:
    environment = dict(os.environ)
    if url.password is not None:
        environment["PGPASSWORD"] = str(url.password)  # never an argument: those are public
    address = URL.create(
        "postgresql",
        username=url.username,
        host=url.host,
        port=url.port,
        database=url.database,
        query=url.query,
    ).render_as_string(hide_password=False)
    _run(
        "pg_dump",
        ["--format=custom", "--no-password", f"--file={draft}", f"--dbname={address}"],
        environment,
    )
    listing = _run("pg_restore", ["--list", str(draft)], environment)
    words = [line.split() for line in listing.splitlines()]
    tables = {line[-2] for line in words if "DATA" in line and "TABLE" in line}
    _expect_tables(url.database or "", tables)


def _expect_tables(source: str, tables: set[str]) -> None:
    missing = [table for table in TABLES if table not in tables]
    if missing:
        raise BackupFailed(f"the copy of {source} lacks its tables: {', '.join(missing)}")


def _run(program: str, arguments: list[str], environment: dict[str, str]) -> str:
    found = shutil.which(program)
    if found is None:
        raise BackupFailed(
            f"{program} is not on PATH; install PostgreSQL's client programs "
            "(Debian: apt-get install postgresql-client)"
        )
    done = subprocess.run(
        [found, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["(it said nothing)"]
        raise BackupFailed(f"{program} ended with status {done.returncode}: {said[0]}")
    return done.stdout


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
