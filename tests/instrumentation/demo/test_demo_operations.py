"""What drills rely on: maintenance by a file, the database's disk, and a pool that can be full."""

import os
import sqlite3
import threading

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from instrumentation.demo import database as module
from instrumentation.demo.database import Database
from instrumentation.demo.models import User
from instrumentation.demo.settings import DemoSettings
from instrumentation.settings import SettingsError
from stack.waiting import wait_until

IN_USE = 'softfactory_database_pool_connections{database="default",state="in_use"}'
LIMIT = 'softfactory_database_pool_size_limit{database="default"}'


@pytest.fixture
def path(tmp_path):
    return tmp_path / "softfactory.sqlite3"


@pytest.fixture
def pooled(path):
    database = Database(f"sqlite:///{path}", probe_timeout_seconds=0.3, pool_size=2)
    database.create()
    yield database
    database.close()


def test_a_maintenance_file_takes_the_service_out_of_traffic(
    make_client, metric, tmp_path, monkeypatch
):
    file = tmp_path / "maintenance"
    monkeypatch.setenv("MAINTENANCE_FILE", str(file))
    client = make_client()
    assert client.get("/api/metrics/ready").status_code == 200
    file.touch()

    def turns_to(wanted):
        wait_until(
            lambda: metric(client, "softfactory_ready") == wanted,
            what=f"ready {wanted}",
            timeout_seconds=30,
        )

    turns_to(0)
    body = client.get("/api/metrics/ready").json
    assert "remove it" in body["checks"]["maintenance"][0]["output"]
    assert client.get("/api/users").status_code == 200  # it goes on answering meanwhile
    file.unlink()
    turns_to(1)


def test_the_disk_of_the_database_is_told(client, metric, tmp_path):
    about = os.statvfs(tmp_path)
    size = 'softfactory_disk_size_bytes{volume="database"}'
    assert metric(client, size) == about.f_blocks * about.f_frsize


def test_by_default_a_database_file_has_no_pool(client, metric):
    assert metric(client, LIMIT) == float("inf")


def test_a_locked_database_has_requests_hold_the_pools_connections(
    make_client, metric, environment, path, monkeypatch
):
    monkeypatch.setenv("DATABASE_POOL_SIZE", "2")
    client = make_client()
    assert metric(client, LIMIT) == 2
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answers = []

    def book():
        body = {"user_id": 1, "room": "x"}
        answers.append(client.application.test_client().post("/api/bookings", json=body))

    threads = [threading.Thread(target=book) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: metric(client, IN_USE) == 2, what="both in use", timeout_seconds=4)
    other.execute("ROLLBACK")
    other.close()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201, 201]
    wait_until(lambda: metric(client, IN_USE) == 0, what="none in use", timeout_seconds=30)


def test_who_finds_the_pool_empty_waits_no_longer_than_its_time_out(path, monkeypatch):
    monkeypatch.setattr(module, "POOL_WAIT_SECONDS", 0.05)
    pooled = Database(f"sqlite:///{path}", probe_timeout_seconds=0.3, pool_size=1)
    pooled.create()
    with pooled.engine.connect(), pytest.raises(PoolTimeout):
        pooled.engine.connect()
    pooled.check()  # the probe has a connection of its own
    pooled.close()


def test_a_kept_connection_does_not_go_on_with_a_file_that_was_moved_away(pooled, path):
    assert pooled.counts().users
    away = path.rename(path.with_suffix(".away"))
    with pytest.raises(OperationalError):
        pooled.counts()
    assert not path.exists()
    away.rename(path)
    assert pooled.counts().users


def test_a_kept_connection_is_replaced_with_its_file(pooled, path, tmp_path):
    assert pooled.counts().users
    other = Database(f"sqlite:///{tmp_path}/other.sqlite3", probe_timeout_seconds=1)
    other.create()
    with other.writing() as session:
        session.add(User(name="New", email="new@softfactory.example"))
    (tmp_path / "other.sqlite3").replace(path)
    with pooled.reading() as session:
        assert session.scalars(select(User.name)).all()[-1] == "New"


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "99999"])
def test_a_pool_of_no_size_is_refused_by_name(value):
    with pytest.raises(SettingsError, match="DATABASE_POOL_SIZE"):
        DemoSettings.from_env({"DATABASE_POOL_SIZE": value})
