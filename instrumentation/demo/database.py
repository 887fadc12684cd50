"""Where SoftFactory keeps its rows: an SQLite file, or PostgreSQL.

One rule: only the explicit ``create`` makes a database; all other work opens one that is there, and
fails where there is none, so that a database which went missing is noticed and nothing takes its
place.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    event,
    func,
    insert,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import sqlite as _sqlite_dialect  # noqa: F401 - once, before any fork
from sqlalchemy.exc import ArgumentError, DisconnectionError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool

from instrumentation.demo.models import Base, Booking, Payment, ProbeWrite, User
from instrumentation.settings import SettingsError

# How long SQLite waits for another connection's lock. Ordinary work waits as long as a person
# would; a probe must know its outcome well before its own deadline.
BUSY_SECONDS = 5.0
PROBE_BUSY_SHARE = 0.6

# PostgreSQL: one connection a request thread for the demo's default of 16 threads, and a few more.
POOL_SIZE = 10
POOL_OVERFLOW = 10
POOL_WAIT_SECONDS = 5.0
STATEMENT_SECONDS = 10.0
CREATE_LOCK = 0x50F7FAC7  # any number of ours: starting services create the tables one by one

# Made once, as a probe is made for as long as the service runs.
PROBE_READ = select(User.id).limit(1)
PROBE_WRITE = insert(ProbeWrite)

SEED = (
    ("Ada Kowalska", "ada@softfactory.example"),
    ("Bruno Okafor", "bruno@softfactory.example"),
    ("Chiara Lindqvist", "chiara@softfactory.example"),
    ("Dmitri Haddad", "dmitri@softfactory.example"),
    ("Esra Nakamura", "esra@softfactory.example"),
)


class DatabaseUnavailable(Exception):
    """The database can't be opened or created at start; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many rows there are."""

    users: int
    payments: int
    bookings: int


class Database:
    """The service's database.

    Args:
        database_url: an SQLAlchemy URL, ``sqlite:///PATH`` or ``postgresql+psycopg://...``.
        probe_timeout_seconds: the probe's deadline, from which its own time-outs follow.
        pool_size: connections that are kept and never exceeded; whoever finds them all in use
            waits at most ``POOL_WAIT_SECONDS``. The probe has connections of its own.

    Raises:
        SettingsError: the URL is of no known kind, or its driver is not installed.
    """

    def __init__(
        self, database_url: str, *, probe_timeout_seconds: float, pool_size: int | None = None
    ) -> None:
        self.url = parse_url(database_url)
        probe_busy_seconds = probe_timeout_seconds * PROBE_BUSY_SHARE
        if self.url.get_backend_name() == "sqlite":
            path = sqlite_path(self.url)
            self._engine = _sqlite(path, busy_seconds=BUSY_SECONDS, pool_size=pool_size)
            self._probe_engine = _sqlite(path, busy_seconds=min(BUSY_SECONDS, probe_busy_seconds))
        else:
            self._engine = _postgresql(
                self.url, statement_seconds=STATEMENT_SECONDS, connections=pool_size
            )
            self._probe_engine = _postgresql(
                self.url, statement_seconds=probe_busy_seconds, connections=1
            )
        self._writing_engine = self._engine.execution_options(writes=True)
        self._probing_engine = self._probe_engine.execution_options(writes=True)

    @property
    def file(self) -> Path | None:
        """The file that holds the database, or None where a server does."""
        return sqlite_path(self.url) if self.url.get_backend_name() == "sqlite" else None

    @property
    def engine(self) -> Engine:
        """What ordinary work goes through."""
        return self._engine

    def create(self) -> None:
        """Create the tables that are missing, and the first users if there are none.

        Raises:
            DatabaseUnavailable: it can't be opened, created or written.
        """
        engine = self._engine
        try:
            if self.url.get_backend_name() == "sqlite":
                path = sqlite_path(self.url)
                path.parent.mkdir(parents=True, exist_ok=True)
                mode = "rw" if path.exists() else "rwc"
                engine = _sqlite(path, busy_seconds=BUSY_SECONDS, mode=mode)
            with engine.execution_options(writes=True).begin() as connection:
                _create(connection)
        except (SQLAlchemyError, OSError) as error:
            shown = self.url.render_as_string(hide_password=True)
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise DatabaseUnavailable(
                f"DATABASE_URL={shown}: can't open or create the database: {reason}"
            ) from error

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that reads one state of the database."""
        with Session(self._engine) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give a session whose changes are committed at the end, or not at all.

        On SQLite it takes the write lock at its beginning: a transaction that reads first and then
        wants to write fails at once when another one wrote meanwhile, without waiting.
        """
        with Session(self._writing_engine, expire_on_commit=False) as session, session.begin():
            yield session

    def check(self) -> None:
        """Read a real table, and write in a transaction that is rolled back.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database can't be read or can't be written.
        """
        with self._probing_engine.connect() as connection, connection.begin() as transaction:
            connection.execute(PROBE_READ).all()
            connection.execute(PROBE_WRITE, {"id": uuid.uuid4().hex})
            transaction.rollback()

    def counts(self) -> Counts:
        """Count the rows of each kind."""
        with self.reading() as session:
            users, payments, bookings = (
                session.scalar(select(func.count()).select_from(table)) or 0
                for table in (User, Payment, Booking)
            )
        return Counts(users=users, payments=payments, bookings=bookings)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._engine.dispose()
        self._probe_engine.dispose()


def parse_url(database_url: str) -> URL:
    """Return the parsed URL, with the one driver that each kind of database is used with here.

    Raises:
        SettingsError: it is no URL, or not one of a database file or of PostgreSQL.
    """
    known = "expected sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError) as error:
        raise SettingsError(f"DATABASE_URL is no database address; {known}") from error
    shown = url.render_as_string(hide_password=True)
    match url.drivername:
        case "sqlite" | "sqlite+pysqlite":
            if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
                raise SettingsError(f"DATABASE_URL={shown}: names no file; {known}")
            return url
        case "postgresql" | "postgres" | "postgresql+psycopg":
            return url.set(drivername="postgresql+psycopg")
    raise SettingsError(f"DATABASE_URL={shown}: unknown kind {url.drivername!r}; {known}")


def sqlite_path(url: URL) -> Path:
    """Return the absolute path of an SQLite URL's file."""
    return Path(url.database or "").absolute()


def sqlite_connection(path: Path, *, mode: str, busy_seconds: float) -> sqlite3.Connection:
    """Open an SQLite file.

    Args:
        path: the file.
        mode: ``ro``, ``rw`` (the file must be there) or ``rwc`` (it is created).
        busy_seconds: how long to wait for another connection's lock.

    Raises:
        sqlite3.OperationalError: it can't be opened.
    """
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,  # transactions begin where SQLAlchemy's do, see _sqlite
        check_same_thread=False,  # SQLAlchemy hands a connection to one thread at a time
    )


def _sqlite(
    path: Path, *, busy_seconds: float, mode: str = "rw", pool_size: int | None = None
) -> Engine:
    """An engine that opens the file anew for each piece of work, unless it is given a pool.

    A connection that is kept goes on reading a file that was moved away, so none is kept; a pool
    looks whether the file is still the one that was opened, at each use. The
    journal is SQLite's default, a rollback journal: the database is one file at rest, which can be
    moved away and back, and a write that is rolled back does reach the disk.
    """

    def connect() -> sqlite3.Connection:
        connection = sqlite_connection(path, mode=mode, busy_seconds=busy_seconds)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    if pool_size is None:
        engine = create_engine(
            "sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True
        )
    else:
        engine = create_engine(
            "sqlite://",
            creator=connect,
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_SECONDS,
            hide_parameters=True,
        )
        _notice_another_file(engine, path)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _notice_another_file(engine: Engine, path: Path) -> None:
    """Have a kept connection replaced when its file was moved away or replaced meanwhile."""

    def identity() -> tuple[int, int] | None:
        try:
            about = path.stat()
        except OSError:
            return None
        return about.st_dev, about.st_ino

    @event.listens_for(engine, "connect")
    def opened(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["file"] = identity()

    @event.listens_for(engine, "checkout")
    def taken(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        now = identity()
        if now is None or record.info["file"] != now:
            raise DisconnectionError(f"{path} is another file than the one that was opened")


def _postgresql(url: URL, *, statement_seconds: float, connections: int | None = None) -> Engine:
    milliseconds = max(1, round(statement_seconds * 1000))
    own = url.query.get("options", "")
    options = " ".join(
        (
            *((own,) if isinstance(own, str) else own),
            f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
        )
    )
    make: Callable[..., Engine] = create_engine
    try:
        return make(
            url,
            pool_size=connections or POOL_SIZE,
            max_overflow=0 if connections else POOL_OVERFLOW,
            pool_timeout=POOL_WAIT_SECONDS,
            pool_pre_ping=True,  # a server that was restarted costs no request
            connect_args={"connect_timeout": max(2, round(statement_seconds)), "options": options},
            hide_parameters=True,
        )
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"DATABASE_URL asks for PostgreSQL, whose driver is not installed ({error.name}): "
            "pip install 'alertproof[postgresql]'"
        ) from error


def _create(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CREATE_LOCK})
    Base.metadata.create_all(connection)
    if connection.scalar(select(func.count()).select_from(User)) == 0:
        rows = [{"name": name, "email": email} for name, email in SEED]
        connection.execute(insert(User), rows)
