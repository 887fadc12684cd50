"""Queries, errors and connections are counted for what they were, on real engines and pools."""

import gc
import subprocess
import sys
import threading

import pytest
from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    exc,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.pool import NullPool, QueuePool, SingletonThreadPool, StaticPool

from instrumentation.database import ERROR_KINDS, OPERATIONS, watch_engine
from stack.waiting import wait_until

THINGS = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String, unique=True),
)
QUERIES = "softfactory_database_query_duration_seconds_count"
LONG_SECONDS = 60


@pytest.fixture
def app(make_app):
    return make_app()


@pytest.fixture
def one(app):
    return app.extensions["instrumentation"]


@pytest.fixture
def make_engine(tmp_path):
    engines = []

    def make(**options):
        engine = create_engine(f"sqlite:///{tmp_path}/things.sqlite3", **options)
        engines.append(engine)
        THINGS.metadata.create_all(engine)
        engine.dispose()
        return engine

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def engine(make_engine):
    return make_engine()


@pytest.fixture
def queries(app, value):
    """How many queries there were of each operation, those of which there were none left out."""

    def read(name="default"):
        counts = {
            operation: value(app, f'{QUERIES}{{database="{name}",operation="{operation}"}}')
            for operation in OPERATIONS
        }
        return {operation: count for operation, count in counts.items() if count}

    return read


@pytest.fixture
def errors(app, value):
    def read():
        counts = {
            kind: value(
                app, f'softfactory_database_errors_total{{database="default",kind="{kind}"}}'
            )
            for kind in ERROR_KINDS
        }
        return {kind: count for kind, count in counts.items() if count}

    return read


@pytest.fixture
def connections(app, value):
    """The pool's connections (in use, idle), once a watch has published them."""

    def read(watch):
        watch.publish()
        return tuple(
            value(
                app,
                f'softfactory_database_pool_connections{{database="default",state="{state}"}}',
            )
            for state in ("in_use", "idle")
        )

    return read


@pytest.fixture
def pool_value(app, value):
    def read(what):
        return value(app, f'softfactory_database_pool_{what}{{database="default"}}')

    return read


def test_everything_is_there_at_zero_before_the_first_query(
    one, engine, queries, errors, connections, pool_value
):
    watch = watch_engine(one, engine)
    assert (queries(), errors(), connections(watch)) == ({}, {}, (0, 0))
    assert pool_value("timeouts_total") == pool_value("wait_seconds_count") == 0


@pytest.mark.parametrize(
    ("statement", "operation"),
    [
        (select(THINGS), "select"),
        (insert(THINGS).values(name="a"), "insert"),
        (update(THINGS).values(name="b"), "update"),
        (delete(THINGS), "delete"),
        (select(select(THINGS).cte("few")), "select"),
        (delete(THINGS).where(THINGS.c.id.in_(select(select(THINGS.c.id).cte("few")))), "delete"),
        (text("  SELECT 1"), "select"),
        (text("Insert INTO things (name) VALUES ('c')"), "insert"),
        (text("PRAGMA user_version"), "other"),
        (text("CREATE TABLE more (id INTEGER)"), "other"),
    ],
    ids=[
        *("select", "insert", "update", "delete", "select-with-cte", "delete-with-subquery"),
        *("text-indented", "text-mixed-case", "pragma", "ddl"),
    ],
)
def test_a_query_is_counted_under_what_it_does(one, engine, queries, statement, operation):
    watch_engine(one, engine)
    with engine.begin() as connection:
        connection.execute(statement)
    assert queries() == {operation: 1}


def test_a_statement_that_is_handed_to_the_driver_is_counted_by_its_first_word(
    one, engine, queries
):
    watch_engine(one, engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM things")
        connection.exec_driver_sql("WITH few AS (SELECT 1) SELECT * FROM few")
    assert queries() == {"delete": 1, "other": 1}


def test_engines_derived_from_the_watched_one_are_counted_with_it(one, engine, queries):
    derived = engine.execution_options(writes=True)
    watch_engine(one, engine)
    with derived.connect() as connection:
        connection.execute(select(THINGS))
    assert queries() == {"select": 1}


def test_a_query_takes_as_long_as_the_driver_did(app, one, engine, value):
    begun, leave = threading.Event(), threading.Event()

    @event.listens_for(engine, "connect")
    def add_function(connection, _record):
        def hold():
            begun.set()
            leave.wait(LONG_SECONDS)
            return 1

        connection.create_function("hold", 0, hold)

    watch_engine(one, engine)

    def ask():
        with engine.connect() as connection:
            connection.execute(text("SELECT hold()")).all()

    thread = threading.Thread(target=ask)
    thread.start()
    assert begun.wait(LONG_SECONDS)
    assert not leave.wait(0.05)  # so long it takes at least
    leave.set()
    thread.join(LONG_SECONDS)
    labels = '{database="default",operation="select"}'
    assert value(app, f"softfactory_database_query_duration_seconds_sum{labels}") >= 0.05


def test_a_failed_query_is_an_error_of_its_kind_and_a_query_too(one, engine, queries, errors):
    watch_engine(one, engine)
    with engine.begin() as connection:
        connection.execute(insert(THINGS), [{"name": "same"}])
    with pytest.raises(exc.IntegrityError), engine.begin() as connection:
        connection.execute(insert(THINGS), [{"name": "same"}])
    with pytest.raises(exc.OperationalError), engine.begin() as connection:
        connection.execute(text("SELECT * FROM nowhere"))
    assert queries() == {"insert": 2, "select": 1}
    assert errors() == {"IntegrityError": 1, "OperationalError": 1}


def test_an_error_of_no_driver_is_of_another_kind(one, engine, errors):
    watch_engine(one, engine)

    class Odd:
        pass

    with pytest.raises(exc.SQLAlchemyError), engine.connect() as connection:
        connection.execute(select(THINGS).where(THINGS.c.id == Odd()))
    # sqlite3 says ProgrammingError since Python 3.12, InterfaceError before
    assert list(errors()) in (["ProgrammingError"], ["InterfaceError"])


def test_a_database_that_cannot_be_opened_is_an_error_and_no_query(app, one, queries, errors):
    engine = create_engine("sqlite:////nowhere/at/all.sqlite3")
    watch_engine(one, engine)
    with pytest.raises(exc.OperationalError):
        engine.connect()
    assert queries() == {}
    assert errors() == {"OperationalError": 1}


def test_a_pool_of_kept_connections_says_what_is_in_use_what_is_idle_and_its_limit(
    one, make_engine, connections, pool_value
):
    engine = make_engine(poolclass=QueuePool, pool_size=2, max_overflow=3)
    watch = watch_engine(one, engine)
    assert pool_value("size_limit") == 5
    with engine.connect(), engine.connect(), engine.connect():
        assert connections(watch) == (3, 0)
    assert connections(watch) == (0, 2)  # the third was more than the pool keeps
    with engine.connect():
        assert connections(watch) == (1, 1)


def test_connections_that_are_invalidated_or_detached_leave_the_pool(one, make_engine, connections):
    engine = make_engine(poolclass=QueuePool, pool_size=5)
    watch = watch_engine(one, engine)
    with engine.connect() as connection:
        connection.invalidate()
        assert connections(watch) == (0, 0)
        connection.rollback()
        connection.execute(select(THINGS))
        assert connections(watch) == (1, 0)
    assert connections(watch) == (0, 1)
    with engine.connect() as connection:
        connection.detach()
        assert connections(watch) == (0, 0)
    assert connections(watch) == (0, 0)


def test_connections_that_were_open_before_anybody_watched_are_seen_when_used(
    one, make_engine, connections
):
    engine = make_engine(poolclass=QueuePool)
    with engine.connect():
        pass
    watch = watch_engine(one, engine)
    with engine.connect():
        assert connections(watch) == (1, 0)
    assert connections(watch) == (0, 1)


def test_a_forgotten_connection_is_no_longer_in_use_once_it_was_collected(
    one, make_engine, connections
):
    engine = make_engine(poolclass=QueuePool)
    watch = watch_engine(one, engine)
    forgotten = engine.raw_connection()
    assert connections(watch) == (1, 0)
    del forgotten
    gc.collect()
    assert connections(watch) == (0, 1)


def test_a_connection_that_is_returned_touches_no_metric(one, make_engine, monkeypatch):
    """The garbage collector may return it while the metrics client holds its lock."""
    touched, here = [], threading.get_ident()
    for kind, method in ((Gauge, "set"), (Counter, "inc"), (Histogram, "observe")):
        original = getattr(kind, method)

        def note(self, *arguments, original=original, **options):
            if threading.get_ident() == here:  # another test's watch may still be at work
                touched.append(self)
            return original(self, *arguments, **options)

        monkeypatch.setattr(kind, method, note)
    engine = make_engine(poolclass=QueuePool)
    watch_engine(one, engine)
    forgotten = engine.raw_connection()
    assert touched
    touched.clear()
    del forgotten
    gc.collect()
    assert engine.pool.checkedout() == 0
    assert touched == []


def test_a_pool_that_was_disposed_of_takes_its_connections_with_it(
    one, make_engine, connections, pool_value, queries
):
    engine = make_engine(poolclass=QueuePool)
    watch = watch_engine(one, engine)
    with engine.connect():
        engine.dispose()
    gc.collect()
    assert connections(watch) == (0, 0)
    with engine.connect() as connection:  # from the pool that took its place
        connection.execute(select(THINGS))
        assert connections(watch) == (1, 0)
    assert pool_value("wait_seconds_count") == 2
    assert queries() == {"select": 1}


def test_a_pool_that_keeps_nothing_has_nothing_idle_and_no_limit(
    one, make_engine, connections, pool_value
):
    engine = make_engine(poolclass=NullPool)
    watch = watch_engine(one, engine)
    with engine.connect(), engine.connect():
        assert connections(watch) == (2, 0)
    assert connections(watch) == (0, 0)
    assert pool_value("size_limit") == float("inf")


@pytest.mark.parametrize(
    ("pool", "limit"),
    [(StaticPool, 1), (SingletonThreadPool, float("inf"))],
    ids=["static", "one-a-thread"],
)
def test_a_pool_of_one_shared_connection_has_one(
    one, make_engine, connections, pool_value, pool, limit
):
    engine = make_engine(poolclass=pool)
    watch = watch_engine(one, engine)
    with engine.connect() as connection:
        connection.execute(select(THINGS))
        assert connections(watch) == (1, 0)
    assert connections(watch) == (0, 1)
    assert pool_value("size_limit") == limit


def test_a_pool_without_limit_says_so(one, make_engine, pool_value):
    watch_engine(one, make_engine(poolclass=QueuePool, pool_size=0))
    assert pool_value("size_limit") == float("inf")


def test_waiting_in_vain_is_timed_and_counted_apart_from_errors(
    one, make_engine, pool_value, errors
):
    engine = make_engine(poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.05)
    watch_engine(one, engine)
    with engine.connect(), pytest.raises(exc.TimeoutError):
        engine.connect()
    assert pool_value("timeouts_total") == 1
    assert pool_value("wait_seconds_count") == 2
    assert pool_value("wait_seconds_sum") >= 0.05
    assert errors() == {}


def test_connections_are_published_in_the_background(app, one, make_engine, value):
    engine = make_engine(poolclass=QueuePool)
    watch_engine(one, engine)
    one.start()
    with engine.connect():
        wait_until(
            lambda: (
                value(
                    app, 'softfactory_database_pool_connections{database="default",state="in_use"}'
                )
                == 1
                or None
            ),
            what="the connection in use",
            timeout_seconds=20,
        )


def test_many_threads_are_counted_to_the_last_query(one, make_engine, queries, connections):
    engine = make_engine(poolclass=QueuePool, pool_size=3, max_overflow=0)
    watch = watch_engine(one, engine)

    def work():
        for _ in range(50):
            with engine.connect() as connection:
                connection.execute(select(THINGS)).all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert queries() == {"select": 400}
    in_use, idle = connections(watch)
    assert in_use == 0
    assert 1 <= idle <= 3


def test_an_engine_and_a_name_are_watched_once(one, engine, make_engine):
    watch_engine(one, engine)
    with pytest.raises(ValueError, match="watched already, as 'default'"):
        watch_engine(one, engine.execution_options(writes=True), name="other")
    with pytest.raises(ValueError, match="'default' is watched already"):
        watch_engine(one, make_engine())


def test_what_is_no_engine_is_refused_with_advice(one):
    with pytest.raises(TypeError, match="expected an SQLAlchemy Engine, not str"):
        watch_engine(one, "sqlite://")


def test_an_engine_whose_watch_was_stopped_is_as_it_was_and_may_be_watched_again(
    one, make_engine, queries, pool_value
):
    engine = make_engine(poolclass=QueuePool)
    watch = watch_engine(one, engine)
    with engine.connect() as connection:
        connection.execute(select(THINGS))
    engine.dispose()  # its new pool has the same listeners
    watch.stop()
    watch.stop()
    with engine.connect() as connection:
        connection.execute(select(THINGS))
    assert queries() == {"select": 1}
    assert pool_value("wait_seconds_count") == 1
    assert pool_value("size_limit") == 0
    assert not {"connect", "recreate"} & set(vars(engine.pool))
    watch_engine(one, engine)
    with engine.connect() as connection:
        connection.execute(select(THINGS))
    assert queries() == {"select": 2}


def test_a_query_under_way_when_the_watch_begins_is_left_alone(one, engine, queries):
    def watch(*_):
        watch_engine(one, engine)

    with engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", watch, once=True)
        assert connection.execute(select(THINGS)).all() == []
        assert queries() == {}
        connection.execute(text("SELECT 1"))
    assert queries() == {"select": 1}


def test_each_application_that_watches_an_engine_counts_all_of_it_until_it_stops(
    make_app, make_engine, value
):
    engine = make_engine(poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.01)
    apps = [make_app(name) for name in ("first", "second")]
    watches = [watch_engine(app.extensions["instrumentation"], engine) for app in apps]
    samples = (
        f'{QUERIES}{{database="default",operation="select"}}',
        'softfactory_database_errors_total{database="default",kind="OperationalError"}',
        'softfactory_database_pool_wait_seconds_count{database="default"}',
        'softfactory_database_pool_timeouts_total{database="default"}',
    )

    def use():
        with engine.connect() as connection:
            connection.execute(select(THINGS))
            with pytest.raises(exc.OperationalError):
                connection.execute(text("SELECT * FROM nowhere"))
            with pytest.raises(exc.TimeoutError):
                engine.connect()

    use()
    engine.dispose()
    use()
    both = [[value(app, sample) for sample in samples] for app in apps]
    assert both == [[4, 2, 4, 2]] * 2
    watches[0].stop()
    use()
    assert [value(apps[0], sample) for sample in samples] == [4, 2, 4, 2]
    assert [value(apps[1], sample) for sample in samples] == [6, 3, 6, 3]
    watches[1].stop()
    assert not {"connect", "recreate"} & set(vars(engine.pool))


def test_two_engines_are_told_apart(one, tmp_path, engine, queries):
    other = create_engine(f"sqlite:///{tmp_path}/other.sqlite3")
    watch_engine(one, engine)
    watch_engine(one, other, name="other")
    with other.connect() as connection:
        connection.execute(text("SELECT 1"))
    other.dispose()
    assert (queries(), queries("other")) == ({}, {"select": 1})


def test_a_service_without_sqlalchemy_does_not_load_it():
    code = (
        "import sys, flask, instrumentation.database_probe as probe; "
        "from instrumentation import instrument; "
        "probe.watch_database(instrument(flask.Flask('x')), lambda: None); "
        "assert 'sqlalchemy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
