import asyncio
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.pool import ThreadPool

import pytest
from flask import Flask

from instrumentation.correlated_session import correlated_session
from instrumentation.correlation import CURRENT, RequestState
from instrumentation.propagation import carry_requests_into_threads

APP = Flask("propagated")


@pytest.fixture(autouse=True)
def carrying():
    carry_requests_into_threads()


@pytest.fixture
def request_of():
    """Stand in a request of that id."""
    tokens = []

    def enter(request_id):
        state = RequestState(APP, method="GET", path="/", request_id=request_id)
        tokens.append(CURRENT.set(state))
        return state

    yield enter
    for token in reversed(tokens):
        CURRENT.reset(token)


def current_id():
    state = CURRENT.get()
    return None if state is None else state.request_id


def in_thread(thread_class=threading.Thread):
    seen = []
    thread = thread_class(target=lambda: seen.append(current_id()))
    thread.start()
    thread.join()
    return seen[0]


def test_a_thread_works_on_behalf_of_the_request_that_started_it(request_of):
    request_of("one")
    assert in_thread() == "one"


def test_a_thread_that_overrides_run_does_so_too(request_of):
    class Worker(threading.Thread):
        def run(self):
            self.seen = current_id()

    request_of("one")
    worker = Worker()
    worker.start()
    worker.join()
    assert worker.seen == "one"


def test_a_timer_does_so_too(request_of):
    seen = []
    request_of("one")
    timer = threading.Timer(0, lambda: seen.append(current_id()))
    timer.start()
    timer.join()
    assert seen == ["one"]


def test_a_thread_that_was_made_in_one_request_belongs_to_the_one_that_starts_it(request_of):
    seen = []
    request_of("one")
    thread = threading.Thread(target=lambda: seen.append(current_id()))
    request_of("two")
    thread.start()
    thread.join()
    assert seen == ["two"]


def test_a_thread_started_outside_a_request_belongs_to_none():
    assert in_thread() is None


def test_a_thread_that_is_done_is_not_kept(request_of):
    request_of("one")
    thread = threading.Thread(target=current_id)
    thread.start()
    thread.join()
    gone = weakref.ref(thread)
    gc.disable()
    try:
        del thread
        assert gone() is None
    finally:
        gc.enable()


def test_a_job_works_on_behalf_of_the_request_that_submitted_it(request_of):
    with ThreadPoolExecutor(1) as executor:
        request_of("one")
        assert executor.submit(current_id).result() == "one"
        assert list(executor.map(lambda _: current_id(), range(3))) == ["one"] * 3


def test_an_executor_leaks_no_request_into_anothers_work(request_of):
    with ThreadPoolExecutor(1) as executor:
        state = request_of("one")
        executor.submit(current_id).result()  # the worker's thread was started by this request
        CURRENT.set(None)
        assert executor.submit(current_id).result() is None
        request_of("two")
        assert executor.submit(current_id).result() == "two"
        CURRENT.set(None)
        assert executor.submit(current_id).result() is None
        assert state.request_id == "one"


def test_a_job_that_raises_gives_its_request_back(request_of):
    with ThreadPoolExecutor(1) as executor:
        request_of("one")
        with pytest.raises(ZeroDivisionError):
            executor.submit(lambda: 1 / 0).result()
        CURRENT.set(None)
        assert executor.submit(current_id).result() is None


def test_a_job_that_submits_another_passes_its_request_on(request_of):
    with ThreadPoolExecutor(2) as executor:
        request_of("one")
        assert executor.submit(lambda: executor.submit(current_id).result()).result() == "one"


def test_submitting_keeps_the_request_of_who_submits(request_of):
    with ThreadPoolExecutor(1) as executor:
        request_of("one")
        executor.submit(current_id)
        assert current_id() == "one"


def test_workers_of_a_multiprocessing_thread_pool_belong_to_no_request(request_of):
    request_of("one")
    with ThreadPool(1) as pool:
        assert pool.apply(current_id) is None


def test_asyncio_hands_a_request_to_its_threads(request_of):
    request_of("one")
    assert asyncio.run(asyncio.to_thread(current_id)) == "one"


def test_wrapping_twice_or_around_another_wrapper_does_it_once(request_of, monkeypatch):
    mine = threading.Thread.start
    carry_requests_into_threads()
    assert threading.Thread.start is mine
    calls = []

    def anothers(self):
        calls.append(self)
        mine(self)

    monkeypatch.setattr(threading.Thread, "start", anothers)
    carry_requests_into_threads()
    request_of("one")
    assert in_thread() == "one"
    assert len(calls) == 1


class Recorder(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.path, self.headers))
        if self.path.startswith("/away"):
            self.send_response(302)
            self.send_header("Location", self.server.other)
        else:
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def make_server():
    servers = []

    def make():
        server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
        server.seen = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_call_to_a_named_origin_carries_the_request(request_of, make_server):
    server = make_server()
    with correlated_session(server.url) as session:
        state = request_of("one")
        session.get(f"{server.url}/a", timeout=5)
        session.get(f"{server.url}/b", headers={"X-Request-Id": "mine"}, timeout=5)
        CURRENT.set(None)
        session.get(f"{server.url}/c", timeout=5)
    (_, a), (_, b), (_, c) = server.seen
    assert (a["X-Request-Id"], a["traceparent"]) == ("one", state.traceparent)
    assert (b["X-Request-Id"], b["traceparent"]) == ("mine", state.traceparent)
    assert (c["X-Request-Id"], c["traceparent"]) == (None, None)


def test_a_call_to_another_origin_carries_nothing_even_by_redirect(request_of, make_server):
    server, stranger = make_server(), make_server()
    server.other = f"{stranger.url}/home"
    with correlated_session(server.url) as session:
        request_of("one")
        session.get(f"{stranger.url}/direct", timeout=5)
        session.get(f"{server.url}/away", timeout=5)
    assert server.seen[0][1]["X-Request-Id"] == "one"
    assert [path for path, _ in stranger.seen] == ["/direct", "/home"]
    for _, headers in stranger.seen:
        assert (headers["X-Request-Id"], headers["traceparent"]) == (None, None)


@pytest.mark.parametrize(
    "origin",
    [
        *("payments.internal", "ftp://host", "", "http://", "http://*.internal", "http://a b"),
        *("https://user:hunter2@host", "http://127.0.0.1:8080/base", "http://host?a=1"),
        *("http://host#a", "http://host:99999", "http://[1:2", "http://host:8080x"),
    ],
)
def test_what_is_no_origin_is_refused_without_showing_a_password(origin):
    with pytest.raises(ValueError, match="is no origin; expected scheme, host and port") as refused:
        correlated_session(origin)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "origin", ["https://payments.internal", "HTTP://my_service:8080/", "http://[::1]:8080"]
)
def test_an_origin_is_scheme_host_and_port(origin):
    correlated_session(origin).close()
