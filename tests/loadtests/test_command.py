"""A load test from nothing: it starts the demo, judges what came back, and leaves nothing."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from loadtests import command
from loadtests.objectives import Status
from loadtests.service import ServiceUnavailable
from stack.ports import reserve
from stack.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
RUN_SECONDS = 90


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def loadtest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loadtests", *options],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )


IN_THE_BACKGROUND = ("/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh")
"""As a shell starts what is followed by &: it ignores Ctrl-C."""


def started(
    folder: Path, log: Path, options: Sequence[str], *, by: Sequence[str] = (), **more: str
) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [*by, sys.executable, "-m", "loadtests", *options],
            cwd=folder,
            env=environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def kept(folder: Path) -> Path:
    (found,) = (folder / "reports" / "loadtest").iterdir()
    return found


def url_in(log: Path) -> str:
    found = wait_until(
        lambda: re.search(r"it is at (http://\S+)", log.read_text()),
        what=f"the demo's address in {log}",
        timeout_seconds=60,
    )
    return found[1]


def refuses(url: str) -> bool:
    try:
        requests.get(url, timeout=1)
    except requests.ConnectionError:
        return True
    return False


def test_another_machine_is_refused_before_anything_starts(tmp_path: Path) -> None:
    done = loadtest(tmp_path, "--host", "http://192.0.2.7")
    assert done.returncode == 2
    assert "--i-own-this-host" in done.stderr
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("wrong", [["--users", "0"], ["--users", "x"], ["--processes", "0"]])
def test_a_wrong_option_is_refused(wrong: list[str], tmp_path: Path) -> None:
    done = loadtest(tmp_path, *wrong)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_the_help_teaches(tmp_path: Path) -> None:
    told = loadtest(tmp_path, "--help").stdout
    for word in ("examples:", "exit status:", "--within-ratio", "--i-own-this-host", "--worker"):
        assert word in told


def test_a_locust_that_ends_without_a_verdict_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_locust", lambda _: 0)
    status = command.main(["--host", "http://127.0.0.1:1", "--reports", str(tmp_path)])
    assert status == Status.UNKNOWN
    assert "UNKNOWN: Locust ended with status 0 before it had a verdict" in capsys.readouterr().err


def test_a_demo_that_does_not_come_up_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def nothing() -> Iterator[str]:
        raise ServiceUnavailable("the demo service ended before it was up; it said: -")
        yield

    monkeypatch.setattr(command, "running_demo", nothing)
    assert command.main(["--reports", str(tmp_path)]) == Status.UNKNOWN
    assert "UNKNOWN: the demo service ended" in capsys.readouterr().err


@pytest.mark.integration
def test_the_demo_meets_its_objectives_over_two_processes_and_the_results_are_kept(
    tmp_path: Path,
) -> None:
    done = loadtest(
        tmp_path,
        *("--users", "30", "--spawn-rate", "30", "--run-time", "6s", "--processes", "2"),
    )
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"loadtest: PASS ", done.stderr)) == 2
    assert re.search(r"loadtest: 30 users, [1-9]\d* requests, \d+ too slow, 0 failed", done.stderr)
    folder = kept(tmp_path)
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["verdict"] == "PASS"
    with (folder / "run_stats.csv").open() as file:
        rows = {(row["Type"], row["Name"]): row for row in csv.DictReader(file)}
    assert int(rows["", "Aggregated"]["Request Count"]) == verdict["requests"] > 20
    assert "<html" in (folder / "report.html").read_text()
    url = re.findall(r"it is at (http://\S+)", done.stderr)[0]
    assert refuses(url), "the demo ended with the run"


@pytest.mark.integration
def test_an_objective_that_is_missed_ends_with_status_1_and_says_which(tmp_path: Path) -> None:
    done = loadtest(
        tmp_path,
        *("--users", "20", "--spawn-rate", "20", "--run-time", "4s", "--within-ms", "0.1"),
    )
    assert done.returncode == 1, done.stderr
    assert re.search(r"loadtest: FAIL .* answered within 0.1 ms, objective 95.000%", done.stderr)
    assert re.search(r"loadtest: PASS .* answered as they should be", done.stderr)


@pytest.mark.integration
def test_a_service_that_is_not_there_fails_and_no_request_is_lost_from_the_count(
    tmp_path: Path,
) -> None:
    with reserve() as port:  # reserved, and nobody listens
        done = loadtest(
            tmp_path,
            *("--host", f"http://{port.address}", "--users", "30", "--spawn-rate", "30"),
            *("--run-time", "3s"),
        )
    assert done.returncode == 1, done.stderr
    assert (
        json.loads((kept(tmp_path) / "verdict.json").read_text())["claims"][0]["observed_ratio"]
        == 0
    )


@pytest.mark.integration
def test_workers_that_join_a_master_are_judged_as_one(tmp_path: Path) -> None:
    with reserve() as port:
        bound, joins = ("--master-bind-port", str(port.port)), ("--master-port", str(port.port))
        workers = [
            started(tmp_path, tmp_path / f"worker{number}.log", ["--worker", *joins])
            for number in range(2)
        ]
        try:
            done = loadtest(
                tmp_path,
                *("--master", "--expect-workers", "2", *bound),
                *("--users", "20", "--spawn-rate", "20", "--run-time", "5s"),
            )
            assert done.returncode == 0, done.stderr
            assert [worker.wait(timeout=30) for worker in workers] == [0, 0]
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
    assert json.loads((kept(tmp_path) / "verdict.json").read_text())["verdict"] == "PASS"


@pytest.mark.integration
def test_ending_it_early_in_the_background_too_judges_what_there_is_and_ends_the_demo(
    tmp_path: Path,
) -> None:
    log, passing = tmp_path / "log", tmp_path / "passing"
    passing.mkdir()
    long = ["--users", "40", "--spawn-rate", "40", "--run-time", "10m"]
    process = started(tmp_path, log, long, by=IN_THE_BACKGROUND, TMPDIR=str(passing))
    try:
        url = url_in(log)
        # the demo's own count: of what the users asked, and enough of it for a verdict
        wait_until(
            lambda: requests.get(f"{url}/api/bookings", timeout=2).json()["bookings"] or None,
            what=f"bookings of the users, log {log}",
            timeout_seconds=30,
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) in (0, 3), log.read_text()
    finally:
        process.kill()
    assert re.search(r"loadtest: (PASS|UNKNOWN) ", log.read_text())
    assert (kept(tmp_path) / "report.html").exists()
    assert refuses(url)
    assert not list(passing.iterdir())


@pytest.mark.integration
def test_when_it_is_killed_the_demo_and_the_load_end_too_and_no_folder_stays(
    tmp_path: Path,
) -> None:
    log, passing = tmp_path / "log", tmp_path / "passing"
    passing.mkdir()
    process = started(tmp_path, log, ["--users", "2", "--run-time", "10m"], TMPDIR=str(passing))
    try:
        url = url_in(log)
        assert list(passing.glob("loadtest-*"))
    finally:
        process.kill()
        process.wait()
    wait_until(lambda: refuses(url), what=f"the end of {url}", timeout_seconds=30)
    wait_until(
        lambda: not list(passing.iterdir()),
        what=f"{passing} to be empty",
        timeout_seconds=30,
    )


@pytest.mark.integration
def test_locust_alone_refuses_another_machine_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests" / "journeys.py")),
            *("--headless", "--run-time", "2s", "--host", "http://192.0.2.7"),
        ],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )
    assert done.returncode == 2
    assert "is another machine" in done.stderr


@pytest.mark.integration
def test_locusts_page_is_this_machines_and_starts_no_load_of_another(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with reserve() as port:
        page = f"http://{port.address}"
        process = started(tmp_path, log, ["--web", "--web-port", str(port.port)])
        try:
            wait_until(
                lambda: requests.get(page, timeout=2).ok,
                what=f"Locust's page at {page}, log {log}",
                timeout_seconds=60,
                retry_on=(requests.RequestException,),
            )
            asked = {"user_count": "1", "spawn_rate": "1", "host": "http://192.0.2.7"}
            requests.post(f"{page}/swarm", data=asked, timeout=5)
            wait_until(
                lambda: "is another machine" in log.read_text(),
                what=f"the refusal in {log}",
                timeout_seconds=10,
            )
            stats = requests.get(f"{page}/stats/requests", timeout=5).json()
            assert (stats["user_count"], stats["stats"][-1]["num_requests"]) == (0, 0)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 3, "no request was sent: UNKNOWN"
        finally:
            process.kill()
    assert "UNKNOWN ? answered within 1000 ms" in log.read_text()
