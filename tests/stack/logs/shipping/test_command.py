"""The shipper as a process: how it begins, and how it ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from stack.logs.shipping.checkpoint import CHECKPOINT_FILE, load_checkpoint
from stack.logs.shipping.chunk import MAX_LINE_BYTES
from stack.logs.shipping.command import URL_FILE
from stack.processes import Processes
from stack.waiting import wait_until

ROOT = Path(__file__).resolve().parents[4]
MEMORY_MB = 80
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def processes() -> Iterator[Processes]:
    with Processes() as processes:
        yield processes


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    write(path, 0, 10)
    return path


def write(path: Path, first: int, count: int) -> None:
    with path.open("ab") as file:
        for number in range(first, first + count):
            record = {"@timestamp": "2026-11-25T10:00:00Z", "event.id": f"e-{number}"}
            file.write(orjson.dumps(record) + b"\n")


def environment(url: str) -> dict[str, str]:
    return {**os.environ, "ELASTICSEARCH_URL": url}


def command(*options: object) -> list[str]:
    return [sys.executable, "-m", "stack.logs", "ship", *map(str, options)]


def start(processes: Processes, url: str, *options: object, log: Path) -> subprocess.Popen[bytes]:
    shipper = processes.start(
        "shipper",
        command(*options),
        log=log.parent / "shipper.out",
        env=environment(url),
        cwd=ROOT,
    )
    wait_until(
        lambda: b"metrics at" in said(log) or shipper.poll() is not None,
        what="the shipper to begin",
        timeout_seconds=20,
    )
    return shipper


def said(log: Path) -> bytes:
    path = log.parent / "shipper.out"
    return path.read_bytes() if path.exists() else b""


def run(*options: object, url: str = NOWHERE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*options),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(url),
        cwd=ROOT,
    )


def test_once_ships_what_is_there_and_ends(double: Any, log: Path) -> None:
    assert run(log, "--once", url=double.url).returncode == 0
    assert len(double.documents) == 10
    (mark,) = load_checkpoint(log.parent / "shipper", log).marks
    assert mark.offset == log.stat().st_size
    write(log, 10, 5)
    assert run(log, "--once", url=double.url).returncode == 0
    assert len(double.documents) == 15
    assert sum(map(len, double.requests)) == 15


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """Two logs, each in a folder of its own."""
    paths = [tmp_path / name / "app.log" for name in ("a", "b")]
    for number, path in enumerate(paths):
        path.parent.mkdir()
        write(path, 10 * number, 10)
    return paths


def test_once_ships_several_files(double: Any, logs: list[Path]) -> None:
    assert run(*logs, "--once", url=double.url).returncode == 0
    assert len(double.documents) == 20
    for log in logs:
        (mark,) = load_checkpoint(log.parent / "shipper", log).marks
        assert mark.offset == log.stat().st_size


def test_of_several_files_none_is_begun_after_one_that_could_not_be_shipped(
    logs: list[Path],
) -> None:
    done = run(*logs, "--once", "--grace-seconds", 0.5)
    assert done.returncode == 1
    first, second = (log.parent / "shipper" for log in logs)
    assert first.exists()
    assert not second.exists()


def test_several_files_that_would_be_followed_are_one_line(logs: list[Path]) -> None:
    done = run(*logs)
    assert (done.returncode, done.stderr) == (2, "log shipper: 2 files: expected one, or --once\n")


def test_several_files_with_one_state_directory_are_one_line(logs: list[Path]) -> None:
    for beside in ([*logs, "--state-directory", logs[0].parent], [logs[0]] * 2):
        done = run(*beside, "--once")
        assert done.returncode == 2
        assert "expected each in a folder of its own" in done.stderr
        assert done.stderr.count("\n") == 1


def test_once_without_a_log_file_has_nothing_to_do(double: Any, tmp_path: Path) -> None:
    assert run(tmp_path / "app.log", "--once", url=double.url).returncode == 0


def test_once_without_the_folder_of_the_log_file_fails_and_makes_none(
    double: Any, tmp_path: Path
) -> None:
    done = run(tmp_path / "typo" / "app.log", "--once", url=double.url)
    assert done.returncode == 2
    assert done.stderr == (
        f"log shipper: {tmp_path / 'typo'} does not exist, so there is nothing to ship\n"
    )
    assert not (tmp_path / "typo").exists()


def test_a_file_that_does_not_exist_yet_is_said_and_waited_for(
    double: Any, tmp_path: Path, processes: Processes
) -> None:
    log = tmp_path / "logs" / "app.log"
    state = tmp_path / "state"
    log_of_shipper = tmp_path / "beside"
    start(processes, double.url, log, "--state-directory", state, log=log_of_shipper)
    says = f"{log} does not exist yet; it is shipped once it does".encode()
    wait_until(lambda: says in said(log_of_shipper), what="that to be said", timeout_seconds=20)
    log.parent.mkdir()
    write(log, 0, 3)
    wait_until(lambda: len(double.documents) == 3, what="three records", timeout_seconds=20)


def test_once_gives_up_on_a_disk_that_refuses_and_says_which_file(double: Any, log: Path) -> None:
    state = log.parent / "shipper"
    (state / f"{CHECKPOINT_FILE}.draft").mkdir(parents=True)
    done = run(log, "--once", "--grace-seconds", 0.5, url=double.url)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"log shipper: {state / CHECKPOINT_FILE}.draft: Is a directory;"
        " the next start goes on from the checkpoint"
    )


def test_a_line_of_any_length_and_content_takes_little_memory(
    double: Any, log: Path, processes: Processes
) -> None:
    with log.open("ab") as file:
        file.write(b"\0" * 9_000_000 + b"\n")
    shipper = start(processes, double.url, log, log=log)
    parts = -(-9_000_000 // MAX_LINE_BYTES)
    wait_until(lambda: len(double.documents) == 10 + parts, what="all of it", timeout_seconds=60)
    status = Path(f"/proc/{shipper.pid}/status").read_text()
    assert int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024 < MEMORY_MB


def test_ctrl_c_ships_what_is_there_and_ends_with_status_0(
    double: Any, log: Path, processes: Processes
) -> None:
    shipper = start(processes, double.url, log, "--max-age-seconds", 1000, log=log)
    shipper.send_signal(signal.SIGINT)
    assert shipper.wait(20) == 0
    assert len(double.documents) == 10


def test_once_gives_up_on_a_node_that_is_gone_and_says_so(log: Path) -> None:
    done = run(log, "--once", "--grace-seconds", 0.5)
    assert done.returncode == 1
    assert "the next start goes on from the checkpoint" in done.stderr.splitlines()[-1]


def test_sigterm_ships_what_is_there_and_ends_with_status_0(
    double: Any, log: Path, processes: Processes
) -> None:
    shipper = start(processes, double.url, log, "--max-age-seconds", 1000, log=log)
    write(log, 10, 10)
    shipper.send_signal(signal.SIGTERM)
    assert shipper.wait(20) == 0
    assert len(double.documents) == 20
    (mark,) = load_checkpoint(log.parent / "shipper", log).marks
    assert mark.offset == log.stat().st_size


def test_sigterm_during_a_wait_tries_again_at_once(
    double: Any, log: Path, processes: Processes
) -> None:
    def gone(_double: object, _items: object) -> tuple[int, object]:
        return 503, {}

    double.always = gone
    shipper = start(processes, double.url, log, log=log)
    wait_until(lambda: len(double.requests) > 4, what="some failures", timeout_seconds=30)
    double.always = None
    shipper.send_signal(signal.SIGTERM)
    assert shipper.wait(20) == 0
    assert len(double.documents) == 10


def test_of_several_files_none_is_begun_after_sigterm_and_that_is_said(
    double: Any, logs: list[Path], processes: Processes
) -> None:
    def hang(double: Any, _items: object) -> None:
        double.hung.set()
        double.let_go.wait(30)

    first, second = logs
    double.always = hang
    shipper = start(processes, double.url, *logs, "--once", log=first)
    assert double.hung.wait(20)
    shipper.send_signal(signal.SIGTERM)
    wait_until(lambda: _ignores_nothing(shipper), what="the signal", timeout_seconds=5)
    double.always = None
    double.let_go.set()
    assert shipper.wait(20) == 1
    assert f"told to end: {second} and what comes after it is not begun".encode() in said(first)
    assert not (second.parent / "shipper").exists()


def test_the_end_of_the_grace_ends_it_with_status_1_and_loses_nothing(
    double: Any, log: Path, processes: Processes
) -> None:
    def hang(double: Any, _items: object) -> None:
        double.hung.set()
        double.let_go.wait(30)

    double.always = hang
    shipper = start(processes, double.url, log, "--grace-seconds", 0.3, log=log)
    assert double.hung.wait(20)
    shipper.send_signal(signal.SIGTERM)
    assert shipper.wait(5) == 1, "it must not wait for the answer to its request"
    assert b"not everything was shipped within 0.3 s" in said(log)
    double.always = None
    assert run(log, "--once", url=double.url).returncode == 0
    assert len(double.documents) == 10


def test_a_second_sigterm_ends_it_at_once_with_status_1(
    double: Any, log: Path, processes: Processes
) -> None:
    def hang(double: Any, _items: object) -> None:
        double.hung.set()
        double.let_go.wait(30)

    double.always = hang
    shipper = start(processes, double.url, log, log=log)
    assert double.hung.wait(20)
    shipper.send_signal(signal.SIGTERM)
    # Both could be delivered as one; the first is taken when the handler's alarm is armed.
    wait_until(lambda: _ignores_nothing(shipper), what="the first signal", timeout_seconds=5)
    shipper.send_signal(signal.SIGTERM)
    assert shipper.wait(5) == 1


def _ignores_nothing(shipper: subprocess.Popen[bytes]) -> bool:
    status = Path(f"/proc/{shipper.pid}/status").read_text()
    pending = re.findall(r"S[hi][dg]Pnd:\s*([0-9a-f]+)|SigPnd:\s*([0-9a-f]+)", status)
    return all(int(first or second, 16) == 0 for first, second in pending)


def test_a_second_shipper_is_refused_in_one_line(
    double: Any, log: Path, processes: Processes
) -> None:
    first = start(processes, double.url, log, log=log)
    done = run(log, url=double.url)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"(pid {first.pid})" in done.stderr


def test_the_lock_of_a_killed_shipper_is_free(double: Any, log: Path, processes: Processes) -> None:
    first = start(processes, double.url, log, log=log)
    first.kill()
    first.wait(10)
    assert run(log, "--once", url=double.url).returncode == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--max-bulk-bytes", 0], "--max-bulk-bytes 0: expected at least 1"),
        (["--max-bulk-bytes", "many"], "invalid int value: 'many'"),
        (["--max-age-seconds", -1], "--max-age-seconds -1.0: expected 0 or more seconds"),
        (["--max-age-seconds", "nan"], "--max-age-seconds nan: expected 0 or more seconds"),
        (["--grace-seconds", 0], "--grace-seconds 0.0: expected more than 0 seconds"),
        (["--grace-seconds", 1e300], "--grace-seconds 1e+300: expected more than 0 seconds"),
        (["--metrics-port", 70000], "--metrics-port 70000: expected 0 to 65535"),
        (["--metrics-address", "not an address"], "--metrics-address not an address"),
    ],
)
def test_a_wrong_option_is_one_line_and_status_2(
    log: Path, options: list[object], says: str
) -> None:
    done = run(log, *options, "--once")
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("url", ["127.0.0.1:9200", "http://"])
def test_a_wrong_url_is_one_line_and_status_2(log: Path, url: str) -> None:
    done = run(log, "--once", url=url)
    assert done.returncode == 2
    assert done.stderr.startswith("log shipper: ELASTICSEARCH_URL")
    assert done.stderr.count("\n") == 1


def test_a_file_that_can_not_be_followed_is_one_line_and_status_2(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 2
    assert done.stderr == (f"log shipper: {tmp_path} can't be followed: it is no regular file\n")


def test_a_state_directory_that_can_not_be_made_is_one_line(log: Path) -> None:
    done = run(log, "--state-directory", log / "below-a-file")
    assert done.returncode in (1, 2)
    assert done.stderr.count("\n") == 1


def test_its_metrics_are_as_prometheus_wants_them(
    double: Any, log: Path, processes: Processes
) -> None:
    def refuse(double: Any, items: list[dict[str, Any]]) -> tuple[int, object]:
        error = {"type": "document_parsing_exception", "reason": "said so"}
        refused = {"create": {"status": 400, "error": error}}
        return 200, {"items": [refused, *(double.take(item) for item in items[1:])]}

    double.next.append(refuse)
    with log.open("a") as file:
        file.write("no json\n")
    start(processes, double.url, log, log=log)
    url = (log.parent / "shipper" / URL_FILE).read_text().strip()

    def shipped() -> str | None:
        with urllib.request.urlopen(url, timeout=5) as answer:
            text = answer.read().decode()
        return text if "log_shipper_shipped_total 10.0" in text else None

    text = wait_until(shipped, what="ten records to be shipped", timeout_seconds=20)
    assert 'log_shipper_refused_total{reason="document_parsing_exception"} 1.0' in text
    assert 'log_shipper_odd_lines_total{tag="not_json"} 1.0' in text
    assert "log_shipper_lag_bytes 0.0" in text
    assert "log_shipper_lag_seconds 0.0" in text
    promtool = shutil.which("promtool")
    if promtool is not None:
        done = subprocess.run(
            [promtool, "check", "metrics"], input=text, text=True, check=False, capture_output=True
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
