"""Only an explicit creation makes a database; a missing one is missed, and nothing replaces it."""

import sqlite3
import threading
from urllib.parse import quote

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from instrumentation.demo.database import SEED, Database, DatabaseUnavailable, parse_url
from instrumentation.demo.models import Booking, ProbeWrite, User
from instrumentation.settings import SettingsError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "softfactory.sqlite3"


@pytest.fixture
def database(path):
    database = Database(f"sqlite:///{path}", probe_timeout_seconds=0.3)
    database.create()
    yield database
    database.close()


def test_creation_makes_the_tables_and_the_first_users(database):
    counts = database.counts()
    assert (counts.users, counts.payments, counts.bookings) == (len(SEED), 0, 0)


def test_creation_makes_missing_directories(tmp_path):
    path = tmp_path / "a" / "b" / "softfactory.sqlite3"
    Database(f"sqlite:///{path}", probe_timeout_seconds=1).create()
    assert path.exists()


def test_a_second_creation_changes_nothing(database):
    with database.writing() as session:
        session.add(Booking(user_id=1, room="kept"))
    database.create()
    assert database.counts().users == len(SEED)
    assert database.counts().bookings == 1


def test_many_services_may_create_one_database_at_once(path):
    def create():
        Database(f"sqlite:///{path}", probe_timeout_seconds=1).create()

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Database(f"sqlite:///{path}", probe_timeout_seconds=1).counts().users == len(SEED)


def test_a_path_may_hold_any_character_once_it_is_quoted_as_in_every_url(tmp_path):
    path = tmp_path / "50% #1 ?mode=memory&cache=shared"
    database = Database(f"sqlite:///{quote(str(path))}", probe_timeout_seconds=1)
    database.create()
    database.check()
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("work", ["check", "counts"])
def test_without_the_file_work_fails_and_creates_none(database, path, work):
    path.rename(path.with_suffix(".away"))
    with pytest.raises(OperationalError):
        getattr(database, work)()
    assert not path.exists()


def test_a_file_that_comes_back_is_used_again(database, path):
    away = path.rename(path.with_suffix(".away"))
    with pytest.raises(OperationalError):
        database.check()
    away.rename(path)
    database.check()
    assert database.counts().users == len(SEED)


def test_an_empty_file_in_its_place_does_not_pass(database, path):
    path.rename(path.with_suffix(".away"))
    path.touch()
    with pytest.raises(OperationalError, match="no such table"):
        database.check()


def test_the_check_leaves_nothing_behind(database, path):
    database.check()
    with database.reading() as session:
        assert session.scalars(select(ProbeWrite)).all() == []
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_database_that_only_others_may_write_fails_the_check_before_its_deadline(database, path):
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            database.check()
        assert database.counts().users == len(SEED)
        other.execute("ROLLBACK")
    other.close()
    database.check()


def test_a_writing_session_that_raises_changes_nothing(database):
    def write_and_fail():
        with database.writing() as session:
            session.add(User(name="Nobody", email="nobody@softfactory.example"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert database.counts().users == len(SEED)


def test_a_file_that_is_no_database_is_refused_in_one_line(path):
    path.write_text("not a database, and longer than a header would be " * 10)
    with pytest.raises(DatabaseUnavailable, match="not a database") as refused:
        Database(f"sqlite:///{path}", probe_timeout_seconds=1).create()
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "url",
    ["", "var/file", "sqlite://", "sqlite:///:memory:", "mysql://u:hidden@h/d", "://", "sqlite:/x"],
)
def test_an_address_of_no_known_database_is_refused_without_its_password(url):
    with pytest.raises(SettingsError, match="DATABASE_URL") as refused:
        parse_url(url)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_always_used_with_the_same_driver(scheme):
    assert parse_url(f"{scheme}://u:p@h/d").drivername == "postgresql+psycopg"
