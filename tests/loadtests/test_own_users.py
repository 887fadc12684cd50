"""The tasks of a team's own Locust file run at the plan's pace, and their requests carry faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from instrumentation.faults import contract

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 3.0
RATE = 20

pytestmark = pytest.mark.integration

LOCUSTFILE = """
from locust import {kind}, between, task


class Customer({kind}):
    wait_time = between(5, 9)

    def on_start(self):
        self.client.post("/login", json={{"name": "ada"}})

    @task
    def look(self):
        self.client.get("/products?page=1", headers={{"Authorization": "mine"}})
        with self.client.get("/missing", catch_response=True) as answer:
            answer.success()
"""


class Seen(ThreadingHTTPServer):
    """Answers everything, and remembers it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[float, str, dict[str, str]]] = []


class Handler(BaseHTTPRequestHandler):
    server: Seen

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((time.monotonic(), f"{self.command} {self.path}", said))
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - the names that http.server asks for

    def log_message(self, format: str, *arguments: object) -> None: ...


@pytest.fixture
def served() -> Iterator[Seen]:
    with Seen() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def load(tmp_path: Path, served: Seen, request: pytest.FixtureRequest):
    """Locust with a plan whose journey is tasks of the file, and one request beside them."""
    (tmp_path / "theirs.py").write_text(LOCUSTFILE.format(kind=request.param))
    (tmp_path / "secret").write_text("a secret of at least sixteen bytes")
    target = {
        "id": "t",
        "host": f"http://127.0.0.1:{served.server_port}",
        "rate_per_second": RATE,
        "users": 4,
        "journey": {"LOCUSTFILE /": 4},
        "instance": "one",
    }
    plan = {
        "fault_secret_file": str(tmp_path / "secret"),
        "locustfile": str(tmp_path / "theirs.py"),
        "targets": [target],
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    environment = {"LOAD_PLAN": str(tmp_path / "plan.json"), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests" / "locustfile.py")),
            *("--headless", "--only-summary"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
        cwd=tmp_path,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def samples(process: subprocess.Popen[bytes], seconds: float) -> list[dict[str, object]]:
    assert process.stdout is not None
    found, deadline = [], time.monotonic() + seconds
    while time.monotonic() < deadline:
        event = json.loads(process.stdout.readline())
        if event["event"] == "sample":
            found.append(event)
    return found


def tell(process: subprocess.Popen[bytes], **command: object) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps({"target": "t", **command}).encode() + b"\n")
    process.stdin.flush()


@pytest.mark.parametrize("load", ["HttpUser", "FastHttpUser"], indirect=True)
def test_tasks_run_at_the_plan_s_rate_and_carry_signed_faults(
    load: subprocess.Popen[bytes], served: Seen
) -> None:
    samples(load, SECONDS)
    plain = list(served.requests)
    asked = [name for _, name, _ in plain]
    assert asked.count("POST /login") == 4
    assert {"GET /products?page=1", "GET /missing"} < set(asked)
    assert all("x-fault" not in said for _, _, said in plain)
    assert all(said["authorization"] == "mine" for _, name, said in plain if "products" in name)
    measured = (len(plain) - 1) / (plain[-1][0] - plain[0][0])
    assert measured == pytest.approx(RATE, rel=0.25)

    tell(load, fault=contract.fault_to_json(contract.Error(status=500)), share=0.5)
    tell(load, journey={"LOCUSTFILE /": 1, "GET /scan": 1})
    after = samples(load, SECONDS)
    since = served.requests[len(plain) + RATE // 2 :]
    faulted = [said for _, _, said in since if "x-fault" in said]
    assert len(faulted) / len(since) == pytest.approx(0.5, abs=0.1)
    scans = [name for _, name, _ in since if name == "GET /scan"]
    assert len(scans) / len(since) == pytest.approx(0.5, abs=0.1)
    statuses = {status for sample in after for status in sample["statuses"]}
    assert statuses == {"200", "404"}
