import base64
import json
import logging
import threading
import time

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.pool import QueuePool

from instrumentation import InstrumentSettings, gunicorn_conf, instrument
from instrumentation.database import watch_engine
from instrumentation.demo.__main__ import DEFAULT_THREADS
from instrumentation.faults.contract import (
    KINDS,
    MAX_HEADER_LENGTH,
    REASONS,
    BurnCPU,
    Delay,
    End,
    Error,
    HoldMemory,
    RaiseException,
    Renew,
    SlowQuery,
    _signature,
    encode,
)
from instrumentation.faults.places import SPARE_THREADS

SECRET = b"a secret of the tests, long enough"
INSTANCE = "service-1"


@pytest.fixture
def app(make_app, secret_file):
    return make_app(fault_secret_file=secret_file, instance_id=INSTANCE)


@pytest.fixture
def send(ask):
    def ask_with_fault(app, fault, *, path="/ok", method="GET", **changed):
        signed = {"instance": INSTANCE, "method": method, "path": path, "secret": SECRET}
        signed |= {"expires": time.time() + 5, **changed}
        return ask(app, path, method, headers={"X-Fault": encode(fault, **signed)})

    return ask_with_fault


@pytest.fixture
def faults_of():
    return lambda app: app.extensions["instrumentation"].faults


@pytest.fixture
def count(value):
    """A whole family's count, so that a test says what did not happen too."""

    def read(app, family):
        label, names = {
            "faults": ("fault", KINDS),
            "faults_rejected": ("reason", REASONS),
        }[family]
        all_of_them = {
            name: value(app, f'softfactory_{family}_total{{{label}="{name}"}}') for name in names
        }
        return {name: number for name, number in all_of_them.items() if number}

    return read


@pytest.fixture
def in_background():
    """Run a function in a thread, which is waited for at the test's end."""
    threads = []

    def start(function):
        threads.append(threading.Thread(target=function))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def eventually(condition):
    deadline = time.monotonic() + 20
    tick = threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        tick.wait(0.01)


# --- armed, or not


def hooks_of(app):
    return app.before_request_funcs.get(None, [])


def enabled(environment="unknown"):
    return f'softfactory_fault_injection_enabled{{environment="{environment}"}}'


def test_without_a_secret_a_header_does_nothing_and_no_code_is_in_the_way(
    make_app, send, ask, value, faults_of
):
    app = make_app(instance_id=INSTANCE)
    assert faults_of(app).injector is None
    owners = [type(getattr(one, "__self__", None)).__name__ for one in hooks_of(app)]
    assert "FaultInjector" not in owners
    response = send(app, Error(status=503))
    assert response.status_code == 200
    assert "X-Fault-Result" not in response.headers
    assert value(app, enabled()) == 0
    assert "softfactory_faults" not in ask(app, "/api/metrics/prometheus").text
    assert faults_of(app).refused is None


def test_with_a_secret_the_gauge_and_the_summary_say_so(app, ask, value):
    assert value(app, enabled()) == 1
    assert ask(app, "/api/metrics/summary").json["fault_injection"]["enabled"] is True


@pytest.mark.parametrize("environment", ["production", "Prod", " live "])
def test_production_starts_with_its_faults_off_and_one_warning_that_says_why(
    make_app, secret_file, send, value, faults_of, caplog, environment
):
    with caplog.at_level(logging.WARNING, "instrumentation.faults"):
        app = make_app(fault_secret_file=secret_file, instance_id=INSTANCE, environment=environment)
    label = environment.strip().lower()
    (warning,) = [one for one in caplog.records if one.name.startswith("instrumentation.faults")]
    assert warning.getMessage() == faults_of(app).refused
    for said in (f"INSTRUMENT_ENVIRONMENT={environment}", "INSTRUMENT_FAULTS_IN_PRODUCTION=yes"):
        assert said in warning.getMessage()
    assert not faults_of(app).enabled
    assert value(app, enabled(label)) == 0
    assert send(app, Error()).status_code == 200


def test_production_that_refuses_faults_does_not_need_their_secret(make_app, tmp_path, faults_of):
    app = make_app(fault_secret_file=tmp_path / "not there", environment="production")
    assert faults_of(app).refused


def test_production_that_was_armed_explicitly_accepts_faults_and_warns(
    make_app, secret_file, send, value, faults_of, caplog
):
    with caplog.at_level(logging.WARNING, "instrumentation.faults"):
        app = make_app(
            fault_secret_file=secret_file,
            instance_id=INSTANCE,
            environment="production",
            faults_in_production=True,
        )
    (warning,) = [one for one in caplog.records if one.name.startswith("instrumentation.faults")]
    assert "ARMED in production" in warning.getMessage()
    assert SECRET.decode() not in warning.getMessage()
    assert (faults_of(app).enabled, faults_of(app).refused) == (True, None)
    assert value(app, enabled("production")) == 1
    assert send(app, Error(status=503)).status_code == 503


def test_an_instance_that_was_given_no_id_makes_one_of_its_own(make_app, secret_file, faults_of):
    one, other = (make_app(name, fault_secret_file=secret_file) for name in ("one", "other"))
    assert faults_of(one).instance != faults_of(other).instance


# --- each fault


def test_an_error_takes_the_place_of_the_views_answer(app, send, value, count):
    response = send(app, Error(status=503))
    assert response.status_code == 503
    assert response.headers["X-Fault-Result"] == "error"
    assert count(app, "faults") == {"error": 1}
    total = 'softfactory_requests_total{endpoint="/ok",method="GET",status="503"}'
    assert value(app, total) == 1


def test_an_exception_takes_the_path_of_a_defect(app, send, value):
    response = send(app, RaiseException())
    assert response.status_code == 500
    assert response.headers["X-Fault-Result"] == "exception"
    errors = 'softfactory_errors_total{endpoint="/ok",type="InjectedException"}'
    assert value(app, errors) == 1


def test_an_exception_meets_the_applications_own_error_handler(app, send):
    app.register_error_handler(Exception, lambda error: (f"sorry: {error}", 502))
    response = send(app, RaiseException())
    assert (response.status_code, response.text) == (502, "sorry: injected fault")


def test_a_delay_comes_before_an_answer_that_is_otherwise_right(app, send):
    before = time.monotonic()
    response = send(app, Delay(seconds=0.2))
    assert time.monotonic() - before >= 0.2
    assert response.json == {"ok": True}


def test_ending_the_faults_frees_delayed_requests(app, send, count, faults_of, in_background):
    in_background(lambda: send(app, Delay(seconds=30)))
    eventually(lambda: count(app, "faults"))
    faults_of(app).end_all()


def test_burnt_cpu_is_metered_by_the_threads_own_clock(app, send):
    before = time.thread_time()
    send(app, BurnCPU(seconds=0.1))
    assert 0.1 <= time.thread_time() - before < 0.3


@pytest.mark.parametrize("registered", ["before", "after"])
def test_a_fault_comes_before_the_applications_own_hooks_whenever_they_were_registered(
    registered, tmp_path, secret_file, clean_up, send
):
    app, seen = Flask("hooked", static_folder=None), []
    if registered == "before":
        app.before_request(lambda: seen.append(1))
    instrument(
        app,
        settings=InstrumentSettings(fault_secret_file=secret_file, instance_id=INSTANCE),
        log_file=tmp_path / "hooked.log",
    )
    clean_up(app)
    if registered == "after":
        app.before_request(lambda: seen.append(1))
    assert send(app, Error(status=500)).status_code == 500
    assert seen == []


# --- what is not accepted


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        ("instance", {"instance": "service-2"}),
        ("path", {"path": "/boom"}),
        ("method", {"method": "POST"}),
        ("expired", {"expires": 1.0}),
        ("expires_too_late", {"expires": 1e12}),
    ],
)
def test_a_header_that_was_signed_for_something_else_is_ignored_counted_and_answered(
    app, ask, count, reason, changed
):
    bound = {"instance": INSTANCE, "method": "GET", "path": "/ok", "expires": time.time() + 5}
    header = encode(Error(status=500), secret=SECRET, **{**bound, **changed})
    response = ask(app, "/ok", headers={"X-Fault": header})
    assert response.status_code == 200
    assert response.headers["X-Fault-Result"] == f"rejected: {reason}"
    assert count(app, "faults_rejected") == {reason: 1}
    assert count(app, "faults") == {}


@pytest.mark.parametrize(
    ("reason", "header"),
    [
        ("signature", ""),
        ("signature", "nothing at all"),
        ("signature", "\xff.\xff"),
        ("signature", f"e30.{'0' * 64}"),
        ("too_long", "x" * (MAX_HEADER_LENGTH + 1)),
    ],
)
def test_who_has_no_secret_learns_nothing_and_is_counted(app, ask, count, reason, header):
    plain = ask(app, "/ok")
    response = ask(app, "/ok", headers={"X-Fault": header})
    assert (response.status_code, response.data) == (plain.status_code, plain.data)
    assert set(response.headers.keys()) == set(plain.headers.keys())
    assert count(app, "faults_rejected") == {reason: 1}
    assert count(app, "faults") == {}


@pytest.mark.parametrize(
    "parameters",
    [
        {"fault": "delay", "seconds": 31},
        {"fault": "error", "status": 200},
        {"fault": "error", "status": 600},
        {"fault": "cpu", "seconds": 1.01},
        {"fault": "query", "seconds": 30.1},
        {"fault": "memory", "percent": 98.1, "seconds": 1},
        {"fault": "memory", "percent": 50, "seconds": 31},
    ],
)
def test_the_service_itself_refuses_what_exceeds_a_limit_whoever_signed_it(
    app, ask, count, parameters
):
    bound = {"instance": INSTANCE, "method": "GET", "path": "/ok", "expires": time.time() + 5}
    payload = base64.urlsafe_b64encode(json.dumps({**parameters, **bound}).encode()).rstrip(b"=")
    header = f"{payload.decode()}.{_signature(payload, SECRET)}"
    response = ask(app, "/ok", headers={"X-Fault": header})
    assert response.json == {"ok": True}
    assert count(app, "faults_rejected") == {"out_of_range": 1}
    assert count(app, "faults") == {}


# --- the threads that faults may occupy


@pytest.mark.parametrize(
    "second", [Delay(seconds=30), BurnCPU(seconds=1)], ids=lambda one: one.kind
)
def test_a_fault_for_which_no_thread_is_free_is_refused_and_its_request_goes_on(
    app, send, count, faults_of, in_background, second
):
    faults_of(app).served_by(threads=5)  # four stay free for scrapes
    in_background(lambda: send(app, Delay(seconds=30)))
    eventually(lambda: count(app, "faults"))
    response = send(app, second)
    assert response.json == {"ok": True}
    assert response.headers["X-Fault-Result"] == "rejected: refused"
    assert count(app, "faults_rejected") == {"refused": 1}
    assert count(app, "faults") == {"delay": 1}
    faults_of(app).end_all()


@pytest.mark.parametrize("threads", range(1, SPARE_THREADS + 1))
def test_faults_that_occupy_a_thread_are_refused_where_all_are_spare(
    app, send, faults_of, threads, caplog
):
    faults_of(app).served_by(threads=threads)
    for fault in (Delay(seconds=30), BurnCPU(seconds=1)):
        response = send(app, fault)
        assert (response.json, response.headers["X-Fault-Result"]) == (
            {"ok": True},
            "rejected: refused",
        )
    assert f"at least {SPARE_THREADS + 1} threads" in caplog.text


@pytest.mark.parametrize("threads", [DEFAULT_THREADS, gunicorn_conf.threads])
def test_a_server_of_enough_threads_admits_all_but_the_spare_ones(
    app, send, count, faults_of, in_background, threads, caplog
):
    faults_of(app).served_by(threads=threads)
    for _ in range(threads - SPARE_THREADS):
        in_background(lambda: send(app, Delay(seconds=30)))
    eventually(lambda: count(app, "faults") == {"delay": threads - SPARE_THREADS})
    assert send(app, Delay(seconds=30)).headers["X-Fault-Result"] == "rejected: refused"
    assert "will be refused" not in caplog.text
    faults_of(app).end_all()


def test_a_place_is_free_again_when_its_fault_ends(app, send, faults_of):
    faults_of(app).served_by(threads=5)
    for fault in [Delay(seconds=0.01), BurnCPU(seconds=0.01)] * 3:
        assert send(app, fault).headers["X-Fault-Result"] == fault.kind


def test_errors_and_exceptions_need_no_place(app, send, count, faults_of, in_background):
    faults_of(app).served_by(threads=5)
    in_background(lambda: send(app, Delay(seconds=30)))
    eventually(lambda: count(app, "faults"))
    assert send(app, Error(status=503)).status_code == 503
    assert send(app, RaiseException()).status_code == 500
    faults_of(app).end_all()


# --- statements that take longer


@pytest.fixture
def engine(tmp_path):
    made = create_engine(
        f"sqlite:///{tmp_path}/things.sqlite3", poolclass=QueuePool, pool_size=1, max_overflow=0
    )
    yield made
    made.dispose()


@pytest.fixture
def querying(app, engine):
    """The application with a watched engine, and a view that sends it three statements."""

    @app.get("/rows")
    def rows():
        began = time.monotonic()
        took = []
        with engine.connect() as connection:
            for number in range(3):
                took.append(connection.execute(text(f"SELECT {number}")).scalar_one())
                took[-1] = time.monotonic() - began
                began = time.monotonic()
        return {"took": took}

    watch_engine(app.extensions["instrumentation"], engine)
    return app


def test_the_first_statement_takes_longer_and_the_others_of_its_request_do_not(querying, send):
    response = send(querying, SlowQuery(seconds=0.2), path="/rows")
    first, *others = response.json["took"]
    assert first >= 0.2
    assert max(others) < 0.2
    assert response.headers["X-Fault-Result"] == "query"


def test_a_slow_statement_counts_as_one_and_no_other_request_has_it(querying, send, ask, value):
    send(querying, SlowQuery(seconds=0.2), path="/rows")
    assert max(ask(querying, "/rows").json["took"]) < 0.2
    family = "softfactory_database_query_duration_seconds"
    labels = 'database="default",operation="select"'
    assert value(querying, f"{family}_count{{{labels}}}") == 6
    assert 0.2 <= value(querying, f"{family}_sum{{{labels}}}") < 0.4


def test_a_slow_statement_holds_its_connection(
    querying, engine, send, value, faults_of, in_background
):
    in_use = 'softfactory_database_pool_connections{database="default",state="in_use"}'
    querying.extensions["instrumentation"].start()
    in_background(lambda: send(querying, SlowQuery(seconds=30), path="/rows"))
    eventually(lambda: value(querying, in_use) == 1)
    assert engine.pool.checkedout() == 1
    faults_of(querying).end_all()
    eventually(lambda: value(querying, in_use) == 0)


def test_a_slow_statement_is_refused_and_counted_where_no_engine_is_watched(app, send, count):
    response = send(app, SlowQuery(seconds=30))
    assert response.json == {"ok": True}
    assert response.headers["X-Fault-Result"] == "rejected: no_database"
    assert count(app, "faults_rejected") == {"no_database": 1}
    assert count(app, "faults") == {}


def test_an_engine_that_is_watched_no_more_is_none(app, engine, send):
    watch_engine(app.extensions["instrumentation"], engine).stop()
    response = send(app, SlowQuery(seconds=30))
    assert response.headers["X-Fault-Result"] == "rejected: no_database"


def test_slow_statements_occupy_threads_as_delays_do_until_they_were_held(
    querying, send, count, faults_of, in_background
):
    faults_of(querying).served_by(threads=5)
    in_background(lambda: send(querying, SlowQuery(seconds=30), path="/rows"))
    eventually(lambda: count(querying, "faults"))
    for fault in (Delay(seconds=30), SlowQuery(seconds=30)):
        assert send(querying, fault).headers["X-Fault-Result"] == "rejected: refused"
    faults_of(querying).end_all()


@pytest.mark.parametrize("path", ["/ok", "/boom", "/rows"])
def test_a_request_leaves_its_place_whether_or_not_it_sent_a_statement(
    querying, send, faults_of, path
):
    faults_of(querying).served_by(threads=5)
    for _ in range(3):
        response = send(querying, SlowQuery(seconds=0.01), path=path)
        assert response.headers["X-Fault-Result"] == "query"


def test_statements_outside_requests_are_not_held(querying, engine, send):
    send(querying, SlowQuery(seconds=30))  # asked for by a request that sent none
    began = time.monotonic()
    with querying.app_context(), engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    assert time.monotonic() - began < 10


def test_where_faults_are_off_nothing_looks_at_statements(make_app, engine, faults_of):
    app = make_app()
    watch = watch_engine(app.extensions["instrumentation"], engine)
    assert faults_of(app).statements is None
    assert watch._began in dict(watch._listeners).values()


# --- memory


def test_memory_is_not_held_against_the_hosts_own_limit(app, send, value, faults_of):
    if app.extensions["instrumentation"].sampler.memory_limit.source != "host":
        pytest.skip("this machine's control group limits memory, so holding it is allowed")
    response = send(app, HoldMemory(percent=50, seconds=1))
    assert response.headers["X-Fault-Result"] == "rejected: refused"
    assert faults_of(app).injector.holding.held_bytes == 0
    assert value(app, "softfactory_fault_memory_held_bytes") == 0


# --- ended before their time


@pytest.mark.parametrize(
    ("fault", "path"), [(Delay(seconds=30), "/ok"), (SlowQuery(seconds=30), "/rows")]
)
def test_a_signed_word_ends_what_is_in_flight(querying, send, count, in_background, fault, path):
    results = []
    in_background(lambda: results.append(send(querying, fault, path=path)))
    eventually(lambda: count(querying, "faults"))
    answer = send(querying, End(), path="/whatever")
    assert (answer.status_code, answer.headers["X-Fault-Result"]) == (204, "end")
    eventually(lambda: results)
    assert results[0].status_code == 200
    assert count(querying, "faults") == {fault.kind: 1, "end": 1}


def test_what_was_signed_before_the_end_does_nothing_after_it(app, send, count):
    expires = time.time() + 5
    send(app, End(), expires=expires)
    for fault in (Delay(seconds=30), Error(), RaiseException(), BurnCPU(seconds=1)):
        response = send(app, fault, expires=expires - 0.5)
        assert response.json == {"ok": True}
        assert response.headers["X-Fault-Result"] == "rejected: ended"
    assert count(app, "faults_rejected") == {"ended": 4}
    assert send(app, Error(status=503), expires=expires + 0.5).status_code == 503


def test_a_leased_fault_ends_soon_after_the_last_renewal(app, send):
    began = time.monotonic()
    send(app, Delay(seconds=30, lease=0.3))
    assert 0.3 <= time.monotonic() - began < 15


def test_a_renewal_harms_no_request(app, send, count):
    response = send(app, Renew(seconds=1))
    assert response.json == {"ok": True}
    assert response.headers["X-Fault-Result"] == "renew"
    assert count(app, "faults") == {"renew": 1}


def test_an_end_that_nobody_signed_ends_nothing(app, send, count, faults_of, in_background):
    in_background(lambda: send(app, Delay(seconds=30)))
    eventually(lambda: count(app, "faults"))
    assert send(app, End(), secret=b"another secret, as long").status_code == 200
    assert count(app, "faults") == {"delay": 1}
    assert count(app, "faults_rejected") == {"signature": 1}
    faults_of(app).end_all()
