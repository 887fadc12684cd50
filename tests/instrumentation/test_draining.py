"""The end of a server, as load balancers see it: first not ready, then gone."""

import os
import signal
import time

import psutil
import pytest
import requests

from instrumentation import draining
from stack.waiting import wait_until
from tests.instrumentation.served import gunicorn

PROBED = "tests.instrumentation.apps.probed:create_app()"
PATIENCE_SECONDS = 60.0
FOR_EVER_SECONDS = "600"

integration = pytest.mark.integration


def status(served, path="/api/metrics/ready", **options):
    try:
        return served.get(path, **options).status_code
    except requests.ConnectionError:
        return "refused"
    except requests.Timeout:
        return "silent"


def wait_for(condition, what):
    return wait_until(condition, what=what, timeout_seconds=PATIENCE_SECONDS)


def wait_for_end(process):
    gone, _ = psutil.wait_procs([process], timeout=PATIENCE_SECONDS)
    assert gone, "the server goes on"


def serve(folder, workers=1, drain_seconds=FOR_EVER_SECONDS):
    return gunicorn(
        folder,
        *("--workers", str(workers), "--threads", "4"),
        app=PROBED,
        environment={"INSTRUMENT_DRAIN_SECONDS": drain_seconds},
    )


@integration
@pytest.mark.parametrize("workers", [1, 4])
def test_every_worker_says_that_it_drains_while_it_answers_then_the_port_refuses(tmp_path, workers):
    with serve(tmp_path, workers) as served:
        assert status(served) == 200
        master = psutil.Process(served.pid)
        master.send_signal(signal.SIGTERM)
        wait_for(lambda: status(served) == 503, "ready says 503")
        assert {status(served) for _ in range(5 * workers)} == {503}
        assert {status(served, "/ok") for _ in range(5 * workers)} == {200}
        assert {status(served, "/api/metrics/live") for _ in range(workers)} == {200}
        assert "draining" in served.get("/api/metrics/ready").json()["output"]
        master.send_signal(signal.SIGTERM)  # the second one is not held back
        wait_for(lambda: status(served) == "refused", "the port refuses")
        wait_for_end(master)


@integration
def test_the_server_ends_by_itself_when_the_time_is_over_and_not_before(tmp_path):
    drain_seconds = 1.0
    with serve(tmp_path, drain_seconds=str(drain_seconds)) as served:
        master, before = psutil.Process(served.pid), time.monotonic()
        master.send_signal(signal.SIGTERM)
        wait_for(lambda: status(served) == "refused", "the port refuses")
        assert time.monotonic() - before >= drain_seconds
        wait_for_end(master)
        assert "Handling signal: term" in served.output.read_text()


@integration
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["SIGINT", "SIGQUIT"])
def test_who_does_not_want_to_wait_need_not(tmp_path, number):
    with serve(tmp_path) as served:
        master = psutil.Process(served.pid)
        master.send_signal(signal.SIGTERM)
        wait_for(lambda: status(served) == 503, "ready says 503")
        master.send_signal(number)
        wait_for_end(master)


@integration
def test_zero_seconds_means_at_once(tmp_path):
    with serve(tmp_path, drain_seconds="0") as served:
        master = psutil.Process(served.pid)
        master.send_signal(signal.SIGTERM)
        wait_for_end(master)


@integration
def test_a_worker_that_is_replaced_while_draining_drains_as_well(tmp_path):
    with serve(tmp_path) as served:
        master = psutil.Process(served.pid)
        master.send_signal(signal.SIGTERM)
        wait_for(lambda: status(served) == 503, "ready says 503")
        (old,) = served.workers()
        old.kill()
        wait_for(lambda: [w for w in served.workers() if w.pid != old.pid], "another worker")
        wait_for(lambda: status(served) == 503, "it says 503 too")
        (new,) = served.workers()
        new.send_signal(signal.SIGALRM)  # means to it what it means to any process
        wait_for(lambda: [w for w in served.workers() if w.pid != new.pid], "a third worker")
        master.send_signal(signal.SIGTERM)
        wait_for_end(master)


@integration
def test_a_reload_leaves_a_server_that_drains_at_its_end(tmp_path):
    with serve(tmp_path, workers=2) as served:
        master, old = psutil.Process(served.pid), {w.pid for w in served.workers()}
        master.send_signal(signal.SIGHUP)
        wait_for(lambda: not old & {w.pid for w in served.workers()}, "new workers")
        # Of what reached an old worker at its end, gunicorn 23 answers nothing.
        wait_for(lambda: status(served, timeout=5) == 200, "ready")
        master.send_signal(signal.SIGTERM)
        wait_for(lambda: status(served) == 503, "ready says 503")
        master.send_signal(signal.SIGTERM)
        wait_for_end(master)


@pytest.fixture
def own_flag():
    yield
    draining.prepare()


def test_a_flag_set_in_one_process_is_seen_in_those_that_were_forked(own_flag):
    draining.prepare()
    assert not draining.is_draining()
    child = os.fork()
    if child == 0:
        draining.begin()
        os._exit(0)
    os.waitpid(child, 0)
    assert draining.is_draining()


def test_without_a_server_that_prepared_it_draining_can_begin_all_the_same(own_flag):
    draining.begin()
    assert draining.is_draining()
