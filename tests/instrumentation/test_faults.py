import threading
import time

import pytest

from instrumentation.faults.contract import (
    BurnCPU,
    Delay,
    Error,
    HoldMemory,
    RaiseException,
    encode,
)

SECRET = b"a secret of the tests, long enough"


@pytest.fixture
def app(make_app, secret_file):
    return make_app(fault_secret_file=secret_file)


@pytest.fixture
def send(ask):
    def ask_with_fault(app, fault, *, path="/ok", signed_path=None, **options):
        header = encode(
            fault,
            secret=SECRET,
            method="GET",
            path=signed_path or path,
            expires=time.time() + 20,
        )
        return ask(app, path, headers={"X-Fault": header}, **options)

    return ask_with_fault


def test_without_a_secret_a_header_does_nothing_and_the_summary_says_so(make_app, ask, send, value):
    app = make_app()
    response = send(app, Error(status=503))
    assert response.status_code == 200
    assert "X-Fault-Result" not in response.headers
    assert value(app, "softfactory_fault_injection_enabled") == 0
    assert ask(app, "/api/metrics/summary").json["fault_injection"]["enabled"] is False


def test_with_a_secret_the_summary_says_so(app, ask, value):
    assert value(app, "softfactory_fault_injection_enabled") == 1
    assert ask(app, "/api/metrics/summary").json["fault_injection"]["enabled"] is True


def test_an_error_takes_the_place_of_the_views_answer(app, send, value):
    response = send(app, Error(status=503))
    assert response.status_code == 503
    assert response.headers["X-Fault-Result"] == "error"
    assert value(app, 'softfactory_faults_total{fault="error"}') == 1
    total = 'softfactory_requests_total{endpoint="/ok",method="GET",status="503"}'
    assert value(app, total) == 1


def test_an_exception_takes_the_path_of_a_defect(app, send, value):
    assert send(app, RaiseException()).status_code == 500
    errors = 'softfactory_errors_total{endpoint="/ok",type="InjectedException"}'
    assert value(app, errors) == 1


def test_a_delay_comes_before_an_answer_that_is_otherwise_right(app, send):
    before = time.monotonic()
    response = send(app, Delay(seconds=0.2))
    assert time.monotonic() - before >= 0.2
    assert response.json == {"ok": True}


def test_ending_the_faults_frees_delayed_requests(app, send):
    ended = threading.Event()

    def wait():
        send(app, Delay(seconds=30))
        ended.set()

    threading.Thread(target=wait).start()
    app.extensions["instrumentation"].faults.end_all()
    assert ended.wait(10)


def test_burnt_cpu_is_metered_by_the_threads_own_clock(app, send):
    before = time.thread_time()
    send(app, BurnCPU(seconds=0.1))
    assert 0.1 <= time.thread_time() - before < 0.3


def test_a_header_for_another_request_is_ignored_and_counted(app, send, value):
    response = send(app, Error(status=500), signed_path="/boom")
    assert response.status_code == 200
    assert response.headers["X-Fault-Result"] == "rejected: path"
    assert value(app, 'softfactory_faults_rejected_total{reason="path"}') == 1
    assert value(app, 'softfactory_faults_total{fault="error"}') == 0


def test_a_fault_comes_before_the_applications_own_hooks(app, send):
    seen = []
    app.before_request(lambda: seen.append(1))
    send(app, Error(status=500))
    assert seen == []


def test_memory_is_not_held_against_the_hosts_own_limit(make_app, secret_file, send):
    app = make_app(fault_secret_file=secret_file)
    if app.extensions["instrumentation"].sampler.memory_limit.source != "host":
        pytest.skip("this machine's control group limits memory, so holding it is allowed")
    response = send(app, HoldMemory(percent=50, seconds=1))
    assert response.headers["X-Fault-Result"] == "rejected: refused"
    assert app.extensions["instrumentation"].faults.holding.held_bytes == 0
