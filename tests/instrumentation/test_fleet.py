"""The fleet as a drill uses it: real processes, real ports, real ends."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import requests

pytestmark = pytest.mark.integration

DEADLINE_SECONDS = 60.0  # what a machine under full load may need; idle, all of it takes 2 s


def until(condition, what):
    """Wait for a condition and return what it gave."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    tick = threading.Event()
    while time.monotonic() < deadline:
        if result := condition():
            return result
        tick.wait(0.02)
    raise AssertionError(f"{what} did not come within {DEADLINE_SECONDS:.0f} s")


class FleetUnderTest:
    def __init__(self, directory, app="tiny_service:create_app"):
        self.directory = directory
        self.process = subprocess.Popen(
            [sys.executable, "-m", "instrumentation.fleet", "--app", app],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        )
        self.events = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))

    def tell(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def start(self, name, port, **more):
        env = {"INSTRUMENT_SAMPLE_SECONDS": "0.25", "INSTRUMENT_MEMORY_LIMIT_BYTES": "268435456"}
        directory = str(self.directory / name)
        self.tell(op="start", id=name, port=port, threads=8, env=env, directory=directory, **more)
        event = self.next_event()
        assert event["event"] == "started", event
        return event["pid"]

    def next_event(self):
        return self.events.get(timeout=DEADLINE_SECONDS)


@pytest.fixture
def fleet(tmp_path):
    fleet = FleetUnderTest(tmp_path)
    yield fleet
    fleet.process.stdin.close()
    fleet.process.wait(timeout=DEADLINE_SECONDS)


@pytest.fixture
def port():
    """A port that nobody else is given: bound and not listened on, while a server may be."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def get(port, path):
    try:
        return requests.get(f"http://127.0.0.1:{port}{path}", timeout=5)
    except requests.RequestException:
        return None


def served(port, path="/ok"):
    return until(lambda: get(port, path), f"an answer at port {port}")


def tree(pid):
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


def test_an_instance_serves_is_killed_and_serves_again_at_its_port(fleet, port):
    first = fleet.start("a", port)
    assert served(port).text == "ok"
    processes = tree(first)
    assert len(processes) == 2
    summary = get(port, "/api/metrics/summary").json()
    assert summary["limits"]["memory"]["in_force"] == "configured"
    fleet.tell(op="kill", id="a")
    assert fleet.next_event() == {"event": "exited", "id": "a", "status": -signal.SIGKILL}
    assert not any(process.is_running() for process in processes)
    second = fleet.start("a", port)
    assert second != first
    assert served(port).text == "ok"
    fleet.tell(op="stop", id="a")
    assert fleet.next_event() == {"event": "exited", "id": "a", "status": 0}
    assert (fleet.directory / "a" / "gunicorn.log").read_text().count("Starting gunicorn") == 2
    assert (fleet.directory / "a" / "logs" / "app.log").exists()


def test_memory_is_that_of_master_and_worker_without_the_fleet(fleet, port):
    master = fleet.start("a", port)
    served(port)
    summary = get(port, "/api/metrics/summary").json()
    rss_mb = sum(process.memory_info().rss for process in tree(master)) / (1 << 20)
    assert summary["memory"]["rss_mb"] == pytest.approx(rss_mb, rel=0.2)
    assert summary["memory"]["used_bytes"] < rss_mb * (1 << 20)


def test_killing_the_fleet_leaves_nothing_even_of_a_frozen_instance(fleet, port):
    master = fleet.start("a", port)
    served(port)
    processes = tree(master)
    for process in processes:
        process.suspend()
    fleet.process.kill()
    gone, alive = psutil.wait_procs(processes, timeout=DEADLINE_SECONDS)
    assert (len(gone), alive) == (2, [])


def test_the_end_of_commands_ends_every_instance(fleet, port):
    processes = tree(fleet.start("a", port))
    fleet.process.stdin.close()
    assert fleet.process.wait(timeout=DEADLINE_SECONDS) == 0
    assert fleet.next_event() == {"event": "exited", "id": "a", "status": -signal.SIGKILL}
    assert not any(process.is_running() for process in processes)


def test_a_wrong_command_is_told_and_the_fleet_goes_on(fleet, port):
    fleet.tell(op="kill", id="nobody")
    assert fleet.next_event()["message"] == "does not run; running: none"
    fleet.start("a", port)
    fleet.tell(op="start", id="a", port=port, directory=str(fleet.directory / "a"))
    assert "runs already" in fleet.next_event()["message"]


def test_an_application_that_cannot_be_made_ends_its_instance_with_the_reason_in_the_log(
    tmp_path, port
):
    fleet = FleetUnderTest(tmp_path, app="tiny_service:broken")
    fleet.start("a", port)
    event = fleet.next_event()
    assert (event["event"], event["id"]) == ("exited", "a")
    assert event["status"] not in (0, None)
    assert "ValueError: cannot be made" in (tmp_path / "a" / "gunicorn.log").read_text()
    fleet.process.stdin.close()
    fleet.process.wait(timeout=DEADLINE_SECONDS)


def test_an_instance_under_another_program_is_that_process_and_ends_with_the_fleet(fleet, port):
    pid = fleet.start("a", port, under=["/bin/sh", "-c", 'MARK=here exec "$@"', "sh"])
    assert served(port).text == "ok"
    master, *workers = tree(pid)
    assert workers
    assert master.environ()["MARK"] == "here"
    assert master.environ()["INSTRUMENT_SAMPLE_SECONDS"] == "0.25"
    fleet.tell(op="kill", id="a")
    assert fleet.next_event() == {"event": "exited", "id": "a", "status": -signal.SIGKILL}
    processes = tree(fleet.start("a", port, under=["env"]))
    assert served(port).text == "ok"
    processes += tree(processes[0].pid)[1:]
    fleet.process.kill()
    until(lambda: not any(process.is_running() for process in processes), "the end of all")


def test_a_program_that_is_not_there_is_told_as_the_instances_end(fleet, port):
    fleet.start("a", port, under=["/no/such/program"])
    assert fleet.next_event() == {"event": "exited", "id": "a", "status": 1}
    assert "/no/such/program" in (fleet.directory / "a" / "gunicorn.log").read_text()


def test_an_instance_that_has_just_ended_starts_again_however_close_the_commands_are(fleet, port):
    pid = fleet.start("a", port)
    for _ in range(5):
        until(lambda pid=pid: os.getpgid(pid) == pid, "a process group of its own")
        os.killpg(pid, signal.SIGSTOP)  # it ends while the fleet has not looked
        os.kill(fleet.process.pid, signal.SIGSTOP)
        os.killpg(pid, signal.SIGKILL)
        until(lambda pid=pid: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, "its end")
        directory = str(fleet.directory / "a")
        fleet.tell(op="start", id="a", port=port, threads=8, env={}, directory=directory)
        os.kill(fleet.process.pid, signal.SIGCONT)
        assert fleet.next_event() == {"event": "exited", "id": "a", "status": -signal.SIGKILL}
        started = fleet.next_event()
        assert started["event"] == "started", started
        pid = started["pid"]
    assert served(port).text == "ok"
    fleet.tell(op="kill", id="a")
    assert fleet.next_event()["event"] == "exited"
