"""The same service on a real PostgreSQL: served, probed, hung, stopped, backed up and restored."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psutil
import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from instrumentation.database import watch_engine
from instrumentation.demo.backup import BackupFailed, back_up
from instrumentation.demo.database import SEED, Database, DatabaseUnavailable
from instrumentation.demo.settings import DemoSettings
from stack.waiting import wait_until

pytestmark = pytest.mark.integration

PASSWORD = secrets.token_hex(8)
START_SECONDS = 30
SERVER_SETTINGS = {"fsync": "off", "listen_addresses": "", "max_connections": "40"}


def program(name):
    """Find a server program on PATH, or where Debian keeps them off it."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(debian[-1]) if debian else None)


class Server:
    """A PostgreSQL server of this test's own, which listens on a socket in its own directory."""

    def __init__(self, directory, user):
        self.directory = directory
        self.user = user
        self.process = None

    def initialize(self):
        password_file = self.directory / "password"
        password_file.write_text(PASSWORD)
        if self.user is not None:
            for path in (self.directory, password_file):
                shutil.chown(path, self.user)
        subprocess.run(
            [
                *(program("initdb"), "--pgdata", self.directory / "data", "--no-sync"),
                *("--username", "softfactory", "--auth", "scram-sha-256"),
                *("--pwfile", password_file, "--encoding", "UTF8", "--locale", "C"),
            ],
            user=self.user,
            cwd=self.directory,
            check=True,
            capture_output=True,
        )

    def start(self):
        settings = [
            part for name, value in SERVER_SETTINGS.items() for part in ("-c", f"{name}={value}")
        ]
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(program("postgres"), "-D", self.directory / "data"),
                    *("-k", self.directory, *settings),
                ],
                user=self.user,
                cwd=self.directory,
                stdout=log,
                stderr=log,
            )
        wait_until(
            self.accepts, what="PostgreSQL to accept connections", timeout_seconds=START_SECONDS
        )

    def accepts(self):
        engine = create_engine(self.url("postgres"))
        try:
            with engine.connect():
                return True
        except Exception:  # noqa: BLE001 - whatever is raised means: not yet
            return None
        finally:
            engine.dispose()

    def url(self, database):
        return URL.create(
            "postgresql+psycopg",
            username="softfactory",
            password=PASSWORD,
            database=database,
            query={"host": str(self.directory)},
        ).render_as_string(hide_password=False)

    def execute(self, database, statement):
        engine = create_engine(self.url(database), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                result = connection.execute(text(statement))
                return result.fetchall() if result.returns_rows else []
        finally:
            engine.dispose()

    def send(self, number):
        """Send a signal to the server and all its backends."""
        parent = psutil.Process(self.process.pid)
        for process in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.process.send_signal(signal.SIGQUIT)  # its "immediate" shutdown
            self.process.wait(START_SECONDS)


@pytest.fixture(scope="module")
def server():
    for name in ("initdb", "postgres"):
        if program(name) is None:
            pytest.skip(f"{name} is neither on PATH nor in /usr/lib/postgresql: nothing to test on")
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        known = {entry.pw_name for entry in pwd.getpwall()}
        user = next((name for name in ("postgres", "nobody") if name in known), None)
        if user is None:
            pytest.skip("root has no user postgres or nobody to run PostgreSQL as")
    directory = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has a limit
    server = Server(directory, user)
    try:
        server.initialize()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


@pytest.fixture
def on_postgresql(server, environment, monkeypatch):
    """A fresh database on the server, named by the environment."""
    if server.process.poll() is not None:
        server.start()
    name = f"test_{secrets.token_hex(4)}"
    server.execute("postgres", f"CREATE DATABASE {name}")
    monkeypatch.setenv("DATABASE_URL", server.url(name))
    return name


def test_the_service_works(on_postgresql, client, metric):
    assert len(client.get("/api/users").json["users"]) == len(SEED)
    booking = client.post("/api/bookings", json={"user_id": 1, "room": "Turing"})
    assert booking.status_code == 201
    assert booking.json["created_at"].endswith("Z")
    assert client.get("/api/bookings").json["bookings"] == [booking.json]
    payment = {"user_id": 1, "amount_cents": 1250, "payment_method": "pm_card_visa"}
    assert client.post("/api/payments", json=payment).status_code == 201
    assert metric(client, 'softfactory_database_up{database="default"}') == 1
    assert client.get("/api/metrics/ready").status_code == 200


def test_queries_errors_and_the_pool_are_measured(on_postgresql, client, metric):
    queries = "softfactory_database_query_duration_seconds_count"
    inserts = f'{queries}{{database="default",operation="insert"}}'
    before = metric(client, inserts)
    client.post("/api/bookings", json={"user_id": 1, "room": "Turing"})
    assert metric(client, inserts) == before + 1
    assert metric(client, 'softfactory_database_pool_size_limit{database="default"}') == 20


def test_a_drivers_own_errors_are_counted_as_what_they_are(on_postgresql, client, metric, server):
    instrumentation = client.application.extensions["instrumentation"]
    engine = create_engine(server.url(on_postgresql))
    watch_engine(instrumentation, engine, name="other")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE once (id integer PRIMARY KEY)"))
        connection.execute(
            text("CREATE TABLE late (id integer REFERENCES once DEFERRABLE INITIALLY DEFERRED)")
        )
        connection.execute(text("INSERT INTO once VALUES (1)"))

    def errors(kind):
        labels = f'{{database="other",kind="{kind}"}}'
        return metric(client, f"softfactory_database_errors_total{labels}")

    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("INSERT INTO once VALUES (1)"))
    assert errors("IntegrityError") == 1
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("INSERT INTO late VALUES (2)"))  # the commit is what fails
    assert errors("IntegrityError") == 2
    with pytest.raises(ProgrammingError), engine.begin() as connection:
        connection.execute(text("SELECT * FROM nowhere"))
    assert errors("ProgrammingError") == 1
    engine.dispose()


def test_a_stale_connection_that_is_replaced_is_no_error(server, on_postgresql, client, metric):
    instrumentation = client.application.extensions["instrumentation"]
    engine = create_engine(server.url(on_postgresql), pool_pre_ping=True)
    watch = watch_engine(instrumentation, engine, name="other")
    with engine.connect():
        pass
    server.execute(
        "postgres",
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        f"WHERE datname = '{on_postgresql}'",
    )
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    watch.publish()
    labels = '{database="other",kind="OperationalError"}'
    assert metric(client, f"softfactory_database_errors_total{labels}") == 0
    idle = 'softfactory_database_pool_connections{database="other",state="idle"}'
    assert metric(client, idle) == 1
    engine.dispose()


def test_the_probe_leaves_nothing_behind(server, on_postgresql):
    database = Database(server.url(on_postgresql), probe_timeout_seconds=3)
    database.create()
    database.create()
    database.check()
    database.close()
    assert server.execute(on_postgresql, "SELECT count(*) FROM probe_writes") == [(0,)]
    assert server.execute(on_postgresql, "SELECT count(*) FROM users") == [(len(SEED),)]


def test_a_database_that_only_reads_is_down(server, on_postgresql):
    database = Database(server.url(on_postgresql), probe_timeout_seconds=3)
    database.create()
    server.execute(
        "postgres", f"ALTER DATABASE {on_postgresql} SET default_transaction_read_only = on"
    )
    with pytest.raises(Exception, match="read-only"):
        database.check()
    database.close()


@pytest.mark.parametrize("fault", ["hangs", "is stopped"])
def test_a_server_that_hangs_or_is_stopped_is_down_and_up_again_after_it(
    server, on_postgresql, client, metric, fault
):
    def database_is(wanted):
        wait_until(
            lambda: metric(client, 'softfactory_database_up{database="default"}') == wanted or None,
            what=f"softfactory_database_up {wanted}",
            timeout_seconds=START_SECONDS,
        )

    database_is(1)
    if fault == "hangs":
        server.send(signal.SIGSTOP)
    else:
        server.stop()
    try:
        database_is(0)
    finally:
        if fault == "hangs":
            server.send(signal.SIGCONT)
        else:
            server.start()
    database_is(1)
    assert client.get("/api/users").status_code == 200


def test_a_server_that_is_gone_at_the_start_is_one_line_without_the_password(server, tmp_path):
    url = server.url("none_such")
    with pytest.raises(DatabaseUnavailable, match="none_such") as refused:
        Database(url, probe_timeout_seconds=1).create()
    assert PASSWORD not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.skipif(shutil.which("pg_dump") is None, reason="pg_dump is not on PATH")
def test_a_backup_restores(server, on_postgresql, client):
    client.post("/api/bookings", json={"user_id": 1, "room": "Turing"})
    record = back_up(DemoSettings.from_env())
    assert record.path.endswith(".dump")
    restored = f"{on_postgresql}_restored"
    server.execute("postgres", f"CREATE DATABASE {restored}")
    subprocess.run(
        ["pg_restore", "--exit-on-error", f"--dbname={libpq(server.url(restored))}", record.path],
        env={**os.environ, "PGPASSWORD": PASSWORD},
        check=True,
        capture_output=True,
    )
    assert server.execute(restored, "SELECT room FROM bookings") == [("Turing",)]
    assert server.execute(restored, "SELECT count(*) FROM users") == [(len(SEED),)]


@pytest.mark.skipif(shutil.which("pg_dump") is None, reason="pg_dump is not on PATH")
def test_a_dump_that_fails_is_one_line_without_the_password(server, environment, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", server.url("none_such"))
    with pytest.raises(BackupFailed, match="none_such") as failed:
        back_up(DemoSettings.from_env())
    assert PASSWORD not in str(failed.value)
    assert len(str(failed.value).splitlines()) == 1


def test_without_pg_dump_the_backup_says_what_to_install(server, environment, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", server.url("any"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BackupFailed, match="postgresql-client"):
        back_up(DemoSettings.from_env())


def libpq(url):
    return url.replace("postgresql+psycopg", "postgresql")
