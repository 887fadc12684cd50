"""A backup is a verified copy with a record of it; one that fails changes neither."""

import json
import shutil
import sqlite3
import threading
import time
from contextlib import closing

import pytest
from sqlalchemy.exc import SQLAlchemyError

from instrumentation.demo import backup as backup_module
from instrumentation.demo.backup import BackupFailed, back_up
from instrumentation.demo.backup_record import (
    BackupRecord,
    BackupRecordUnreadable,
    read_backup_record,
    write_backup_record,
)
from instrumentation.demo.database import SEED, Database
from instrumentation.demo.models import Booking
from instrumentation.demo.settings import DemoSettings


@pytest.fixture
def settings(tmp_path):
    return DemoSettings.from_env(
        {
            "DATABASE_URL": f"sqlite:///{tmp_path}/softfactory.sqlite3",
            "BACKUP_DIR": f"{tmp_path}/backups",
        }
    )


@pytest.fixture
def database(settings):
    database = Database(settings.database_url, probe_timeout_seconds=1)
    database.create()
    with database.writing() as session:
        session.add(Booking(user_id=1, room="Turing"))
    yield database
    database.close()


def names(settings):
    return sorted(entry.name for entry in settings.backup_directory.iterdir())


def test_a_backup_restores(settings, database, tmp_path):
    record = back_up(settings)
    with database.writing() as session:
        session.add(Booking(user_id=1, room="after the backup"))
    shutil.copyfile(record.path, tmp_path / "softfactory.sqlite3")
    database.check()
    assert (database.counts().users, database.counts().bookings) == (len(SEED), 1)


def test_a_backup_is_recorded_with_its_time_path_and_size(settings, database):
    before = time.time()
    record = back_up(settings)
    assert before <= record.completed_at <= time.time()
    assert json.loads(settings.backup_status_file.read_text()) == {
        "completed_at": record.completed_at,
        "path": record.path,
        "bytes": record.bytes,
    }
    assert read_backup_record(settings.backup_status_file) == record


def test_backups_do_not_replace_each_other_and_leave_nothing_else(settings, database):
    first, second = back_up(settings), back_up(settings)
    assert first.path != second.path
    assert len(names(settings)) == 3  # two copies and the record


def test_a_backup_is_readable_by_its_owner_alone(settings, database):
    copy = settings.backup_directory / back_up(settings).path
    assert copy.stat().st_mode & 0o077 == 0


def test_a_backup_under_load_is_one_consistent_moment(settings, database):
    stop = threading.Event()
    problems = []

    def write():
        while not stop.is_set():
            try:
                with database.writing() as session:  # always two at once
                    session.add(Booking(user_id=1, room="left"))
                    session.add(Booking(user_id=1, room="right"))
            except SQLAlchemyError as error:
                problems.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        records = [back_up(settings) for _ in range(3)]
    finally:
        stop.set()
        writer.join()
    assert problems == []
    for record in records:
        with closing(sqlite3.connect(record.path)) as copy:
            rows = copy.execute("SELECT room, count(*) FROM bookings GROUP BY room")
            counts = dict(rows.fetchall())
        assert counts.get("left", 0) == counts.get("right", 0)


def test_without_a_database_there_is_no_backup_and_no_record(settings):
    with pytest.raises(BackupFailed, match="unable to open database file"):
        back_up(settings)
    assert names(settings) == []


def test_a_failed_backup_leaves_the_last_record_as_it_was(settings, database, tmp_path):
    record = back_up(settings)
    listed = names(settings)
    path = tmp_path / "softfactory.sqlite3"
    content = bytearray(path.read_bytes())
    content[4096:8192] = b"\xff" * 4096  # one page of a table
    path.write_bytes(content)
    with pytest.raises(BackupFailed):
        back_up(settings)
    assert read_backup_record(settings.backup_status_file) == record
    assert names(settings) == listed


def test_an_empty_file_is_no_database_worth_a_backup(settings, tmp_path):
    (tmp_path / "softfactory.sqlite3").touch()
    with pytest.raises(BackupFailed, match="lacks its tables"):
        back_up(settings)
    assert names(settings) == []


def test_a_database_that_stays_locked_is_given_up(settings, database, tmp_path, monkeypatch):
    monkeypatch.setattr(backup_module, "LOCK_WAIT_SECONDS", 0.2)
    with closing(sqlite3.connect(tmp_path / "softfactory.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BackupFailed, match="locked"):
            back_up(settings)
    assert names(settings) == []


def test_no_record_is_told_from_an_unreadable_one(tmp_path):
    file = tmp_path / "record.json"
    assert read_backup_record(file) is None
    for content in ("", "[]", "null", "{}", '{"completed_at": "soon"}', '{"completed_at": NaN}'):
        file.write_text(content)
        with pytest.raises(BackupRecordUnreadable, match=r"record\.json"):
            read_backup_record(file)


def test_a_record_is_replaced_in_one_step(tmp_path):
    file = tmp_path / "records" / "record.json"
    for moment in (1.0, 2.0):
        write_backup_record(file, BackupRecord(completed_at=moment, path="p", bytes=1))
        assert read_backup_record(file).completed_at == moment
    assert [entry.name for entry in file.parent.iterdir()] == ["record.json"]
