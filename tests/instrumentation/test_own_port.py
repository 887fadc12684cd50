"""The port of the metrics endpoints, with real clients: slow ones, silent ones, and many."""

import contextlib
import signal
import socket
import threading

import psutil
import pytest
import requests
from flask import Flask
from werkzeug.test import Client

from instrumentation import InstrumentSettings
from instrumentation.endpoints import NAMES
from instrumentation.endpoints_wsgi import EndpointsApplication
from instrumentation.metrics import metrics_bp, register_metrics_middleware
from instrumentation.own_port import OwnPort, listen
from instrumentation.settings import SettingsError
from stack.ports import reserve
from stack.waiting import wait_until
from tests.instrumentation.served import gunicorn, parse_samples

PROBED = "tests.instrumentation.apps.probed:create_app()"
PATIENCE_SECONDS = 60.0
ANYWHERE = ("127.0.0.1", 0)

integration = pytest.mark.integration


def hello(_environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


@pytest.fixture
def opened():
    """Open a port of its own for a WSGI application; give its URL."""
    with contextlib.ExitStack() as ports:

        def open_port(application=hello, **options):
            port = OwnPort(ANYWHERE, application, **options)
            port.start()
            ports.callback(port.stop)
            return "http://{}:{}".format(*port.address)

        yield open_port


def connect(url):
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS)


def get(url, **options):
    return requests.get(url, timeout=PATIENCE_SECONDS, **options)


def test_it_answers(opened):
    url = opened()
    assert get(url).text == "hello"
    assert requests.head(url, timeout=PATIENCE_SECONDS).status_code == 200


def test_it_starts_once_a_process(opened):
    port = OwnPort(ANYWHERE, hello)
    port.start()
    address = port.address
    port.start()
    assert port.address == address
    port.stop()


def test_a_client_that_says_nothing_is_hung_up_on(opened):
    url = opened(connection_seconds=0.2)
    with connect(url) as silent:
        assert silent.recv(1) == b""


def test_a_client_that_drips_its_request_is_hung_up_on_however_long_it_goes_on(opened):
    url = opened(connections=1, connection_seconds=0.3)

    def hung_up_on():
        try:
            slow.sendall(b"x")
        except ConnectionError:
            return True
        return False

    with connect(url) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nX: ")
        wait_for(hung_up_on, "the connection is closed")
    assert get(url).text == "hello"


def test_no_more_connections_than_allowed_are_open_and_the_next_waits_its_turn(opened):
    url = opened(connections=2, connection_seconds=600)
    with connect(url), connect(url) as second:
        with pytest.raises(requests.Timeout):
            requests.get(url, timeout=0.5)
        second.close()
        assert get(url).text == "hello"


def test_a_port_that_is_taken_is_an_error_that_names_it():
    with socket.create_server(ANYWHERE) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"METRICS_BIND=127.0.0.1:{port}.*in use"):
            listen(("127.0.0.1", port))


@pytest.mark.parametrize("host", ["a..b", "x" * 70])
def test_a_host_that_can_be_nobody_s_name_is_an_error_that_names_it(host):
    with pytest.raises(SettingsError, match=rf"METRICS_BIND={host}:9100: .*name another"):
        listen((host, 9100))


def test_a_port_that_another_service_shares_willingly_is_taken_as_well():
    with socket.create_server(ANYWHERE, reuse_port=True) as taken:
        bind = taken.getsockname()
        with pytest.raises(SettingsError, match="in use"):
            listen(bind)
        listen(bind, beside_old_master=True).close()


def test_a_single_process_whose_port_is_taken_says_so_and_serves(make_app, ask, caplog):
    with socket.create_server(ANYWHERE) as taken:
        app = make_app(metrics_bind=taken.getsockname())
        assert ask(app, "/ok").status_code == 200
        assert ask(app, "/ok").status_code == 200
    assert caplog.text.count("metrics port is not served") == 1


def test_the_first_request_to_a_single_process_opens_the_port(make_app, ask):
    app = make_app(metrics_bind=ANYWHERE)
    one = app.extensions["instrumentation"]
    ask(app, "/ok")
    try:
        url = "http://{}:{}".format(*one.own_port.address)
        samples = parse_samples(get(f"{url}/api/metrics/prometheus").text)
        assert samples['softfactory_requests_total{endpoint="/ok",method="GET",status="200"}'] == 1
    finally:
        one.own_port.stop()


def test_of_two_applications_of_one_process_with_one_port_the_other_says_who_has_it(caplog):
    inherited = listen(ANYWHERE)
    bind = inherited.getsockname()
    first, second = OwnPort(ANYWHERE, hello), OwnPort(bind, hello)
    first.start()
    second.start()
    second.start()
    assert (first.address, second.address) == (bind, None)
    (record,) = [one for one in caplog.records if one.name == "instrumentation.own_port"]
    assert record.levelname == "WARNING"
    assert "{}:{} serves another application of this process".format(*bind) in record.getMessage()
    second.stop()
    assert get("http://{}:{}".format(*bind)).text == "hello"
    first.stop()


def test_a_port_that_was_stopped_is_free_for_another_application_of_the_process():
    first = OwnPort(ANYWHERE, hello)
    first.start()
    bind = first.address
    first.stop()
    first.stop()
    second = OwnPort(bind, hello)
    second.start()
    try:
        assert get("http://{}:{}".format(*second.address)).text == "hello"
    finally:
        second.stop()


def test_a_worker_that_stops_its_port_leaves_the_masters_socket_to_the_others():
    inherited = listen(ANYWHERE)
    with contextlib.closing(inherited.dup()) as shared:  # a descriptor as another worker has it
        port = OwnPort(ANYWHERE, hello)
        port.start()
        bind = port.address
        port.stop()
        clients = []

        def accepted_here():
            clients.append(socket.create_connection(bind, timeout=PATIENCE_SECONDS))
            shared.settimeout(0.1)
            with contextlib.suppress(TimeoutError):
                clients.append(shared.accept()[0])
                return True
            return False

        wait_for(accepted_here, "the other worker accepts")
        for client in clients:
            client.close()


@pytest.fixture
def endpoints():
    """A client of the endpoints' own application."""
    return lambda app: Client(EndpointsApplication(app, app.extensions["instrumentation"]))


@pytest.mark.parametrize("name", NAMES)
def test_each_endpoint_answers_whatever_the_applications_hooks_do(make_app, ask, endpoints, name):
    app = make_app()

    @app.before_request
    def nobody_comes_in():
        return "log in first", 401

    path = f"/api/metrics/{name}"
    assert ask(app, path).status_code == 401
    assert endpoints(app).get(path).status_code == 200
    assert endpoints(app).head(path).data == b""


def test_nothing_but_the_endpoints_is_served(make_app, endpoints):
    client = endpoints(make_app())
    assert client.get("/ok").status_code == 404
    assert "/api/metrics/ready" in client.get("/").text
    refused = client.post("/api/metrics/live")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")


def test_the_endpoints_are_where_the_blueprint_was_registered(clean_up, endpoints):
    app = Flask("elsewhere", static_folder=None)
    clean_up(app)
    app.register_blueprint(metrics_bp, url_prefix="/internal")
    register_metrics_middleware(app, settings=InstrumentSettings())
    assert endpoints(app).get("/internal/live").status_code == 200
    assert endpoints(app).get("/api/metrics/live").status_code == 404


def test_the_token_is_asked_for_there_as_well(make_app, endpoints, tmp_path):
    (tmp_path / "token").write_text("a token of the tests, long enough")
    client = endpoints(make_app(metrics_token_file=tmp_path / "token"))
    assert client.get("/api/metrics/summary").status_code == 401
    assert client.get("/api/metrics/live").status_code == 200
    known = {"Authorization": "Bearer a token of the tests, long enough"}
    assert client.get("/api/metrics/summary", headers=known).status_code == 200


def test_a_collector_that_raises_is_an_error_in_the_log_and_not_the_ports_end(
    make_app, endpoints, read_log
):
    class Broken:
        def collect(self):
            raise KeyError("not for the client")
            yield

        def describe(self):
            return []

    app = make_app()
    app.extensions["instrumentation"].registry.register(Broken())
    answer = endpoints(app).get("/api/metrics/prometheus")
    assert (answer.status_code, "not for" in answer.text) == (500, False)
    assert "not for the client" in "\n".join(read_log())


def wait_for(condition, what, **options):
    return wait_until(condition, what=what, timeout_seconds=PATIENCE_SECONDS, **options)


@pytest.fixture
def own_port():
    with reserve() as port:
        yield port.port


@integration
def test_a_scrape_is_answered_while_every_thread_of_every_worker_is_busy(tmp_path, own_port):
    workers, threads = 2, 2
    with gunicorn(
        tmp_path,
        *("--workers", str(workers), "--threads", str(threads), "--graceful-timeout", "1"),
        app=PROBED,
        environment={"INSTRUMENT_METRICS_BIND": f"127.0.0.1:{own_port}"},
    ) as served:
        url = f"http://127.0.0.1:{own_port}/api/metrics"
        slow = []

        def ask_for_ever():
            with contextlib.suppress(requests.RequestException):  # the server is ended meanwhile
                served.get("/slow/600.0", timeout=600)

        def all_are_busy():
            busy = parse_samples(get(f"{url}/prometheus").text)["softfactory_requests_in_flight"]
            if busy < workers * threads:
                slow.append(threading.Thread(target=ask_for_ever, daemon=True))
                slow[-1].start()
            return busy == workers * threads

        wait_for(all_are_busy, "every thread is busy", interval_seconds=0.2)
        with pytest.raises(requests.Timeout):
            served.get("/api/metrics/prometheus", timeout=2)
        for name in NAMES:
            assert get(f"{url}/{name}").status_code == 200
        with pytest.raises(requests.Timeout):
            served.get("/api/metrics/live", timeout=2)
        assert all(client.is_alive() for client in slow)


@integration
def test_a_taken_port_ends_the_server_at_its_start_with_one_line(tmp_path):
    with socket.create_server(ANYWHERE) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(AssertionError, match=f"Error: INSTRUMENT_METRICS_BIND={bind}") as failed,
            gunicorn(tmp_path, app=PROBED, environment={"INSTRUMENT_METRICS_BIND": bind}),
        ):
            pass
        assert "Traceback" not in str(failed.value)


@integration
def test_an_upgrade_in_place_keeps_both_ports_and_nobody_is_told_to_stay_away(tmp_path, own_port):
    with gunicorn(
        tmp_path,
        *("--workers", "2", "--threads", "2"),
        app=PROBED,
        environment={
            "INSTRUMENT_METRICS_BIND": f"127.0.0.1:{own_port}",
            "INSTRUMENT_DRAIN_SECONDS": "600",
            "PYTHONSAFEPATH": "1",  # started by -m, gunicorn's folder would hide modules' names
        },
    ) as served:
        url = f"http://127.0.0.1:{own_port}/api/metrics/ready"
        old = psutil.Process(served.pid)
        before = {child.pid for child in old.children()}
        old.send_signal(signal.SIGUSR2)

        def new_master():
            return next(
                (c for c in old.children() if c.pid not in before and len(c.children()) == 2), None
            )

        new = wait_for(new_master, "a second master with its workers", retry_on=(psutil.Error,))
        try:
            old.send_signal(signal.SIGTERM)
            gone, _ = psutil.wait_procs([old], timeout=PATIENCE_SECONDS)
            assert gone, "the old master goes on"
            assert get(url).status_code == 200
            assert served.get("/api/metrics/ready").status_code == 200
            assert served.get("/ok").text == "ok"
        finally:
            new.send_signal(signal.SIGQUIT)
            psutil.wait_procs([new], timeout=PATIENCE_SECONDS)
