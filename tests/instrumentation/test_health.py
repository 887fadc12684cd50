import gc
import os
import signal
import sys
import threading
import time

import pytest
from flask import Flask
from werkzeug.test import Client

from instrumentation import health, instrument
from instrumentation.correlation import CURRENT
from instrumentation.endpoints_wsgi import EndpointsApplication
from stack.waiting import wait_until

PATIENCE_SECONDS = 30.0
"""With a busy machine; nothing is judged by it."""


@pytest.fixture
def app(make_app):
    return make_app()


@pytest.fixture
def one(app):
    return app.extensions["instrumentation"]


@pytest.fixture
def ready(app, ask):
    return lambda: ask(app, "/api/metrics/ready")


def test_liveness_passes_whatever_the_checks_say(app, one, ask):
    @one.ready_check("database")
    def database():
        raise ConnectionError("gone")

    for path in ("health", "live"):
        response = ask(app, f"/api/metrics/{path}")
        assert response.status_code == 200
        assert response.content_type == "application/health+json"
        assert response.json["status"] == "pass"


@pytest.fixture(params=["a port of its own", "the application's port"])
def served(request, tmp_path, clean_up):
    """Make what answers on a port, of an application whose `user_id` opens a file."""

    def user_id():
        return (tmp_path / "app.log").read_text()[:1]

    app = Flask("service", static_folder=None)
    clean_up(app)
    one = instrument(app, log_file=tmp_path / "app.log", user_id=user_id)
    own = request.param == "a port of its own"
    return EndpointsApplication(app, one) if own else app.wsgi_app


@pytest.mark.parametrize("path", ["health", "live"])
def test_liveness_opens_nothing_connects_to_nothing_and_starts_nothing(served, path, tmp_path):
    client = Client(served)
    told = tmp_path / "told"
    child = os.fork()
    if child == 0:  # an audit hook stays until its process ends
        signal.alarm(60)  # whatever a fork may leave locked, the test ends
        seen = []
        client.get(f"/api/metrics/{path}")  # what a process looks up once is looked up
        harmless = ("object.", "sys.", "code.", "cpython.", "builtins.id")
        mine = threading.get_ident()  # the tasks beside it open what they like

        def hook(event, _):
            if threading.get_ident() == mine and not event.startswith(harmless):
                seen.append(event)

        gc.disable()  # what other tests left behind is none of this request's
        sys.addaudithook(hook)
        client.get(f"/api/metrics/{path}")
        found, seen = seen, []
        told.write_text(f"{found}")
        os._exit(bool(found))
    status = os.waitpid(child, 0)[1]
    assert (status, told.read_text()) == (0, "[]")


def test_without_checks_the_service_is_ready(ready):
    assert ready().status_code == 200
    assert ready().json == {"status": "pass", "checks": {}}


def test_a_check_passes_by_returning(one, ready):
    one.ready_check("database")(lambda: None)
    response = ready()
    assert (response.status_code, response.json["status"]) == (200, "pass")
    (entry,) = response.json["checks"]["database"]
    assert entry["status"] == "pass"
    assert entry["time"].endswith("Z")
    assert entry["observedUnit"] == "ms"


def test_a_check_that_raises_takes_the_service_out_of_traffic_and_says_why(one, ready):
    @one.ready_check("database")
    def database():
        raise ConnectionError("gone")

    response = ready()
    assert (response.status_code, response.json["status"]) == (503, "fail")
    assert response.json["checks"]["database"][0]["output"] == "ConnectionError: gone"


def test_a_check_that_is_not_critical_only_warns(one, ready):
    @one.ready_check("cache", critical=False)
    def cache():
        raise ConnectionError("gone")

    response = ready()
    assert (response.status_code, response.json["status"]) == (200, "warn")


@pytest.fixture
def hanging(one):
    """Register checks that hang until the test has ended; their runs are listed by name."""
    leave, runs = threading.Event(), []

    def register(name, **options):
        @one.ready_check(name, timeout_seconds=0.2, **options)
        def hang():
            runs.append(name)
            leave.wait()

    register.runs, register.leave = runs, leave
    yield register
    leave.set()


def test_checks_that_hang_fail_at_their_deadline_side_by_side_and_do_not_pile_up(ready, hanging):
    hanging("first")
    hanging("second")
    before = time.monotonic()
    answers = [ready() for _ in range(4)]
    assert time.monotonic() - before < 10  # a deadline each would already be met by far less
    assert {answer.status_code for answer in answers} == {503}
    (entry,) = answers[-1].json["checks"]["first"]
    assert entry["output"] == f"no answer within 0.2 s; still running since {entry['time']}"
    assert sorted(hanging.runs) == ["first", "second"]


def test_a_check_that_hangs_for_ever_has_one_thread_however_many_ask_and_however_often(
    app, ask, hanging
):
    def ask_often():
        for _ in range(5):
            assert ask(app, "/api/metrics/ready").status_code == 503

    hanging("lonely")
    askers = [threading.Thread(target=ask_often) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert hanging.runs == ["lonely"]
    threads = [thread.name for thread in threading.enumerate()]
    assert threads.count("ready-lonely") == 1


def test_a_check_that_hung_is_asked_again_when_it_has_ended(one, ready, hanging, monkeypatch):
    monkeypatch.setattr(health, "BELIEVED_SECONDS", 0.0)
    hanging("database")
    assert ready().status_code == 503
    hanging.leave.set()
    wait_until(
        lambda: ready().status_code == 200, what="readiness", timeout_seconds=PATIENCE_SECONDS
    )
    assert set(hanging.runs) == {"database"}


def test_a_check_that_ended_after_its_deadline_has_failed_all_the_same(one, ready):
    over = threading.Event()

    @one.ready_check("database", timeout_seconds=0.01)
    def database():
        over.wait(0.2)

    assert ready().status_code == 503
    wait_until(
        lambda: one.readiness.known()["database"].error.startswith("took"),
        what="the run has ended",
        timeout_seconds=PATIENCE_SECONDS,
    )
    assert ready().status_code == 503


@pytest.mark.parametrize("fails", [True, False], ids=["a bad answer", "a good answer"])
def test_an_answer_is_believed_for_a_moment_so_that_probes_do_not_storm_a_dependency(one, fails):
    runs = []

    @one.ready_check("database")
    def database():
        runs.append(1)
        if fails:
            raise ConnectionError("gone")

    started = time.monotonic()
    for _ in range(5):
        one.readiness.results()
    elapsed = time.monotonic() - started
    assert len(runs) <= 1 + elapsed / health.BELIEVED_SECONDS


def test_an_answer_is_not_believed_for_longer(one, ready, monkeypatch):
    monkeypatch.setattr(health, "BELIEVED_SECONDS", 0.0)
    broken = True

    @one.ready_check("database")
    def database():
        if broken:
            raise ConnectionError("gone")

    assert ready().status_code == 503
    broken = False
    assert ready().status_code == 200


def test_a_forked_child_does_not_wait_for_a_thread_that_it_does_not_have(one, hanging):
    hanging("database")
    one.readiness.results()
    child = os.fork()
    if child == 0:
        os._exit(0 if one.readiness.known()["database"] is None else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_an_application_that_ends_itself_can_say_so_and_no_check_runs_any_more(one, ready):
    runs = []
    one.ready_check("database")(lambda: runs.append(1))
    one.readiness.drain()
    answer = ready()
    assert answer.status_code == 503
    assert answer.json == {"status": "fail", "output": health.DRAINING}
    assert runs == []


def test_the_kind_of_a_component_is_told_where_it_is_given(one, ready):
    one.ready_check("database", component_type="datastore", component_id="pg-1")(lambda: None)
    (entry,) = ready().json["checks"]["database"]
    assert (entry["componentType"], entry["componentId"]) == ("datastore", "pg-1")


def test_what_is_known_of_a_check_is_told_without_running_it(one):
    runs = []
    one.ready_check("database")(lambda: runs.append(1))
    assert one.readiness.known() == {"database": None}
    one.readiness.results()
    assert one.readiness.known()["database"].status == "pass"
    assert runs == [1]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "cannot reach postgresql+psycopg://shop:hunter2@db:5432/shop",
            "cannot reach postgresql+psycopg://shop:[redacted]@db:5432/shop",
        ),
        ("redis://:hunter2@cache/0 timed out", "redis://:[redacted]@cache/0 timed out"),
        ("host=db password=hunter2 user=shop", "host=db password=[redacted] user=shop"),
        ("{'api_key': 'hunter2', 'port': 1}", "{'api_key': '[redacted]', 'port': 1}"),
        ("Authorization: Bearer hunter2", "Authorization: [redacted]"),
        ("no such table\n[SQL: SELECT 1]\n[parameters: ('hunter2',)]", "no such table"),
        ("connection to 10.0.0.1:5432 refused", "connection to 10.0.0.1:5432 refused"),
    ],
)
def test_what_a_failed_check_says_holds_no_secret(one, ready, message, shown):
    @one.ready_check("database")
    def database():
        raise ConnectionError(message)

    assert ready().json["checks"]["database"][0]["output"] == f"ConnectionError: {shown}"


def test_an_exception_without_a_text_is_told_by_its_class(one, ready):
    @one.ready_check("database")
    def database():
        raise ConnectionError

    assert ready().json["checks"]["database"][0]["output"] == "ConnectionError"


def test_what_the_log_hides_by_the_teams_own_names_a_failed_check_hides_too(make_app, ask):
    app = make_app(log_redact=("pin",))

    @app.extensions["instrumentation"].ready_check("bank")
    def bank():
        raise ConnectionError("refused: pin=1234")

    answer = ask(app, "/api/metrics/ready").json
    assert answer["checks"]["bank"][0]["output"] == "ConnectionError: refused: pin=[redacted]"


def test_a_check_belongs_to_no_request_whoever_asks_first(app, one, ask):
    states = []
    one.ready_check("database")(lambda: states.append(CURRENT.get()))
    ask(app, "/api/metrics/ready", headers={"X-Request-Id": "of-a-probe"})
    assert states == [None]


def test_a_deadline_must_lie_ahead(one):
    with pytest.raises(ValueError, match="above zero"):
        one.ready_check("database", timeout_seconds=0)(lambda: None)


def test_a_name_is_used_once(one):
    one.ready_check("database")(lambda: None)
    with pytest.raises(ValueError, match="exists"):
        one.ready_check("database")(lambda: None)
