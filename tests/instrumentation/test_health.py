import threading
import time

import pytest


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


def test_checks_that_hang_fail_at_their_deadline_side_by_side_and_do_not_pile_up(one, ready):
    leave = threading.Event()
    runs = []

    @one.ready_check("first", timeout_seconds=0.2)
    def first():
        runs.append("first")
        leave.wait(30)

    @one.ready_check("second", timeout_seconds=0.2)
    def second():
        leave.wait(30)

    try:
        before = time.monotonic()
        answers = [ready() for _ in range(4)]
        assert time.monotonic() - before < 10  # a deadline each would already be met by far less
        assert {answer.status_code for answer in answers} == {503}
        output = answers[0].json["checks"]["first"][0]["output"]
        assert output == "no answer within 0.2 s"
        assert runs == ["first"]
    finally:
        leave.set()


def test_a_burst_of_probes_runs_a_failing_check_once(one, ready):
    runs = []

    @one.ready_check("database")
    def database():
        runs.append(1)
        raise ConnectionError("gone")

    one.readiness.results()
    first = len(runs)
    one.readiness.results()
    assert first == len(runs) == 1


def test_a_name_is_used_once(one):
    one.ready_check("database")(lambda: None)
    with pytest.raises(ValueError, match="exists"):
        one.ready_check("database")(lambda: None)
