"""The log of a service under its real server: nothing that was answered is missing at its end."""

import contextlib
import json
import os
import signal
import subprocess

import psutil
import pytest

from stack.waiting import wait_until
from tests.instrumentation.served import ANSWER_SECONDS, gunicorn

pytestmark = pytest.mark.integration


def ask(served, names):
    for name in names:
        assert served.get("/ok", headers={"X-Request-Id": name}).status_code == 200


def fill(ballast):
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def logged(path):
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [one["request_id"] for one in records if "event.duration" in one]


def test_every_answered_request_is_in_the_log_when_the_server_was_asked_to_end(tmp_path):
    names = [f"request-{number}" for number in range(40)]
    with gunicorn(tmp_path, "--workers", "2", "--threads", "2") as served:
        ask(served, names)
        master = psutil.Process(served.pid)
        master.send_signal(signal.SIGTERM)
        master.wait(ANSWER_SECONDS)
        assert set(names) <= set(logged(tmp_path / "app.log"))


def test_requests_go_on_while_the_disk_is_full_and_the_log_resumes_afterwards(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may mount no file system")
    try:
        log = small / "app.log"
        with gunicorn(tmp_path, environment={"INSTRUMENT_LOG_FILE": str(log)}) as served:
            ballast = small / "ballast"
            fill(ballast)
            ask(served, [f"full-{number}" for number in range(50)])
            wait_until(
                lambda: "records are lost" in served.output.read_text(),
                what="the outage is told",
                timeout_seconds=ANSWER_SECONDS,
            )
            ballast.unlink()

            def resumed():
                ask(served, ["after"])
                return "after" in logged(log)

            wait_until(resumed, what="the log resumes", timeout_seconds=ANSWER_SECONDS)
            assert log.read_bytes().endswith(b"\n")
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_a_pipe_that_nobody_reads_holds_up_neither_requests_nor_the_servers_end(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with gunicorn(tmp_path, environment={"INSTRUMENT_LOG_FILE": str(pipe)}) as served:
            ask(served, [f"{'x' * 100}-{number}" for number in range(300)])  # more than it holds
            os.close(reader)
            reader = -1
            ask(served, [f"unread-{number}" for number in range(20)])
            master = psutil.Process(served.pid)
            master.send_signal(signal.SIGTERM)
            master.wait(ANSWER_SECONDS)
    finally:
        if reader >= 0:
            os.close(reader)
