"""Faults in a real gunicorn of several workers, which share an instance and a memory limit."""

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from instrumentation.faults.contract import Delay, End, Error, HoldMemory, encode
from instrumentation.process_tree import ProcessTree

pytestmark = pytest.mark.integration

SECRET = b"a secret of the tests, long enough"
INSTANCE = "shop-1"
WORKERS = 3
DELAYS = 'softfactory_faults_total{fault="delay"}'
LIMIT_BYTES = 900 * 1024 * 1024
DEADLINE_SECONDS = 60.0  # what a machine under full load may need; idle, all of it takes 5 s

APPLICATION = f"""
import os
import time

import psutil
from flask import Flask

from instrumentation import instrument


def create_app():
    # A process tree is listed every few seconds: what is listed first shall be complete.
    deadline = time.monotonic() + {DEADLINE_SECONDS}
    while len(psutil.Process(os.getppid()).children()) < {WORKERS} and time.monotonic() < deadline:
        time.sleep(0.01)
    app = Flask("workers", static_folder=None)
    instrument(app)
    app.add_url_rule("/pid", "pid", lambda: str(os.getpid()))
    return app
"""


def until(condition, what):
    """Wait for a condition and return what it gave."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    tick = threading.Event()
    while time.monotonic() < deadline:
        if result := condition():
            return result
        tick.wait(0.02)
    raise AssertionError(f"{what} did not come within {DEADLINE_SECONDS:.0f} s")


class Service:
    def __init__(self, url, pid):
        self.url = url
        self._tree = ProcessTree(pid)

    @property
    def percent(self):
        return 100.0 * self._tree.memory(exact=True).pss_bytes / LIMIT_BYTES

    def send(self, fault=None):
        """Send a request to whichever worker takes it; a new connection each."""
        headers = {"Connection": "close"}
        if fault is not None:
            signed = {"instance": INSTANCE, "method": "GET", "path": "/pid"}
            headers["X-Fault"] = encode(fault, secret=SECRET, expires=time.time() + 5, **signed)
        return requests.get(f"{self.url}/pid", headers=headers, timeout=DEADLINE_SECONDS)

    def delays(self):
        """How many delays were begun, as all workers count them."""
        text = requests.get(f"{self.url}/api/metrics/prometheus", timeout=DEADLINE_SECONDS).text
        line = next(one for one in text.splitlines() if one.startswith(DELAYS))
        return float(line.rpartition(" ")[2])

    def every_worker_takes(self, fault=None):
        """Send until each worker has answered, and return all answers."""
        answers, pids = [], set()

        def all_answered():
            answers.append(self.send(fault))
            pids.add(answers[-1].text)
            return len(pids) >= WORKERS

        until(all_answered, "an answer of each worker")
        return answers


@pytest.fixture
def service(tmp_path, secret_file):
    (tmp_path / "several_workers.py").write_text(APPLICATION)
    root = Path(__file__).parents[2]
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        (tmp_path / "gunicorn.log").open("wb") as log,
    ):
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "-c", "python:instrumentation.gunicorn_conf"),
                *("--bind", f"fd://{listener.fileno()}", "--workers", str(WORKERS)),
                "several_workers:create_app()",
            ],
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=log,
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(root), str(tmp_path)]),
                "INSTRUMENT_FAULT_SECRET_FILE": str(secret_file),
                "INSTRUMENT_INSTANCE_ID": INSTANCE,
                "INSTRUMENT_MEMORY_LIMIT_BYTES": str(LIMIT_BYTES),
                "INSTRUMENT_SAMPLE_SECONDS": "0.2",
                "INSTRUMENT_LOG_FILE": str(tmp_path / "app.log"),
            },
        )
        host, port = listener.getsockname()
        try:
            one = Service(f"http://{host}:{port}", process.pid)
            one.every_worker_takes()
            yield one
        except AssertionError:
            print((tmp_path / "gunicorn.log").read_text())  # noqa: T201  (pytest shows it)
            raise
        finally:
            family = [process, *psutil.Process(process.pid).children(recursive=True)]
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            process.wait()


@pytest.fixture
def watched(service):
    """The readings of the whole tree, from now to the test's end."""
    readings, ended = [], threading.Event()

    def watch():
        while not ended.wait(0.02):
            readings.append(service.percent)

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield readings
    ended.set()
    watcher.join()


def test_every_worker_takes_a_fault_that_was_signed_for_their_instance(service):
    answers = [service.send(Error(status=503)) for _ in range(WORKERS * 10)]
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers["X-Fault-Result"] for answer in answers} == {"error"}


def test_workers_hold_one_level_together_and_let_go_when_their_client_is_gone(service, watched):
    base = service.percent
    level = base + 30.0
    fault = HoldMemory(percent=level, seconds=3.0)
    senders = [threading.Thread(target=service.every_worker_takes, args=[fault]) for _ in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    def at_level():
        service.send(fault)
        return watched[-1] > level - 2

    until(at_level, f"{level:.0f} %")
    from_now = len(watched)
    service.every_worker_takes(fault)
    until(lambda: service.send(fault) and len(watched) > from_now + 10, "ten readings")
    assert max(watched) < level + 3  # each growing by itself would reach 90 % above the base
    assert min(watched[from_now : from_now + 10]) > level - 3
    until(lambda: watched[-1] < base + 5, "the end of the leases")


def test_one_word_to_one_worker_ends_the_delays_in_all_of_them(service):
    delay, ends = Delay(seconds=30), []

    def send():
        answer = service.send(delay)
        ends.append((answer.text, time.monotonic()))

    senders = [threading.Thread(target=send) for _ in range(WORKERS * 4)]
    for sender in senders:
        sender.start()
    until(lambda: service.delays() == len(senders), "all delays in flight")
    assert not ends
    told = time.monotonic()
    assert service.send(End()).status_code == 204
    for sender in senders:
        sender.join()
    assert len({pid for pid, _ in ends}) > 1  # else nothing is shown of the others
    assert max(at for _, at in ends) - told < delay.seconds / 2  # far from their own end


def test_one_word_to_one_worker_lets_go_of_what_another_holds(service, watched):
    base = service.percent
    fault = HoldMemory(percent=base + 30.0, seconds=30.0)
    until(lambda: service.send(fault) and watched[-1] > base + 25, "the level")
    service.send(End())
    told = time.monotonic()
    until(lambda: watched[-1] < base + 5, "what was held to be let go")
    assert time.monotonic() - told < fault.seconds / 2  # far from its lease's end


def test_delays_end_with_their_lease_once_nobody_renews_it(service):
    delay = Delay(seconds=30, lease=1.0)
    began = time.monotonic()
    service.send(delay)
    assert delay.lease <= time.monotonic() - began < delay.seconds / 2
