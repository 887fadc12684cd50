"""The process speaks JSON lines alone, ends with its input, and serves a person without a plan."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LOCUSTFILE = Path(__file__).resolve().parents[2] / "loadtests" / "locustfile.py"
# The discard port: nobody listens there, and a refused connection is an answer with status 0.
NOBODY = "http://127.0.0.1:9"

pytestmark = pytest.mark.integration


@contextmanager
def locust(directory: Path, *options: str, plan: bool) -> Iterator[subprocess.Popen[bytes]]:
    environment = {"PYTHONPATH": str(LOCUSTFILE.parents[1])}
    if plan:
        plan_file = directory / "plan.json"
        one = {"id": "t", "host": NOBODY, "rate_per_second": 20, "users": 3}
        plan_file.write_text(json.dumps({"targets": [{**one, "journey": {"GET /": 1}}]}))
        environment["LOAD_PLAN"] = str(plan_file)
    process = subprocess.Popen(
        [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        cwd=directory,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def read_events(process: subprocess.Popen[bytes], until: str) -> list[dict[str, object]]:
    assert process.stdout is not None
    events: list[dict[str, object]] = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == until:
            break
    return events


def test_standard_output_holds_events_alone_whatever_locust_prints(tmp_path: Path) -> None:
    with locust(tmp_path, "--print-stats", plan=True) as process:
        started, *_, sample = read_events(process, until="sample")
        assert started["event"] == "started"
        assert sample["target"] == "t"
        assert sample["statuses"] == {"0": sample["count"]}


def test_the_end_of_its_input_ends_the_process_at_once(tmp_path: Path) -> None:
    with locust(tmp_path, plan=True) as process:
        read_events(process, until="started")
        assert process.stdin is not None
        begun = time.monotonic()
        process.stdin.close()
        assert process.wait(timeout=5) == 0
        assert time.monotonic() - begun < 1


def test_it_quits_when_told_to_and_answers_each_command(tmp_path: Path) -> None:
    with locust(tmp_path, plan=True) as process:
        assert process.stdin is not None
        process.stdin.write(b'{"target":"t","fault":null}\nnonsense\n{"quit":true}\n')
        process.stdin.flush()
        events = read_events(process, until="never")
        assert process.wait(timeout=5) == 0
    told = [event for event in events if event["event"] in {"command", "error"}]
    assert [event["event"] for event in told] == ["command", "error"]
    assert told[0]["target"] == "t"


def test_it_ends_when_nobody_reads_its_events_any_more(tmp_path: Path) -> None:
    with locust(tmp_path, plan=True) as process:
        read_events(process, until="started")
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=5) == 1


def test_a_person_can_use_it_without_a_plan(tmp_path: Path) -> None:
    options = ("--host", NOBODY, "--users", "2", "--spawn-rate", "2", "--run-time", "1s")
    with locust(tmp_path, *options, "--exit-code-on-error", "0", plan=False) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        told = process.stderr.read().decode()
    assert "/api/users" in told
    assert "Traceback" not in told
