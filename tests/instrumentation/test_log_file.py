import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.rotation_losses import read
from instrumentation.log_file import DAY_SECONDS, LogFile
from stack.waiting import wait_until

LINE = b'{"a":1}\n'


@pytest.fixture
def path(tmp_path):
    return tmp_path / "app.log"


@pytest.fixture
def log_file(path):
    made = []

    def make(**options):
        made.append(LogFile(path, **{"retention_periods": 30, **options}))
        return made[-1]

    yield make
    for one in made:
        one.close()


@contextmanager
def full_disk(directory, size):
    """A file system of `size` bytes; only root can make one."""
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(directory)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may mount no file system")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def age(path, days):
    """Have the file last written so many days ago."""
    then = time.time() - days * DAY_SECONDS
    os.utime(path, (then, then))
    return datetime.fromtimestamp(then, UTC).date().isoformat()


def test_a_batch_is_appended_whole(log_file, path):
    file = log_file()
    assert file.append(LINE * 3) == len(LINE) * 3
    assert file.append(LINE) == len(LINE)
    assert path.read_bytes() == LINE * 4


def test_a_file_of_an_earlier_day_is_renamed_to_that_day(log_file, path):
    path.write_bytes(LINE)
    day = age(path, 1)
    log_file().append(LINE * 2)
    assert path.read_bytes() == LINE * 2
    assert path.with_name(f"app.log.{day}").read_bytes() == LINE


def test_a_file_of_today_is_not_rotated(log_file, path):
    log_file().append(LINE)
    log_file().append(LINE)
    assert [one.name for one in path.parent.iterdir()] == ["app.log"]


def test_a_day_that_was_rotated_before_is_not_overwritten(log_file, path):
    path.write_bytes(LINE)
    rotated = path.with_name(f"app.log.{age(path, 1)}")
    rotated.write_bytes(b"kept\n")
    log_file().append(LINE)
    assert rotated.read_bytes() == b"kept\n"
    assert path.read_bytes() == LINE * 2


def test_rotated_files_are_kept_as_long_as_the_setting_says_and_others_for_ever(log_file, path):
    today = datetime.now(UTC).date()
    for days in range(1, 10):
        path.with_name(f"app.log.{today - timedelta(days=days)}").write_bytes(LINE)
    for other in ("app.log.1", "other.log.2001-01-01", "app.log.2001-01-01.gz.part"):
        path.with_name(other).touch()
    path.write_bytes(LINE)
    age(path, 1)
    path.with_name(f"app.log.{today - timedelta(days=1)}").unlink()
    log_file(retention_periods=3).append(LINE)
    kept = sorted(one.name for one in path.parent.iterdir())
    days = [f"app.log.{today - timedelta(days=days)}" for days in (3, 2, 1)]
    assert kept == sorted(
        ["app.log", *days, "app.log.1", "other.log.2001-01-01", "app.log.2001-01-01.gz.part"]
    )


def test_a_file_that_somebody_else_renamed_is_followed(log_file, path):
    file = log_file()
    file.append(LINE)
    path.rename(path.with_name("moved"))
    file.append(LINE * 2)
    assert path.read_bytes() == LINE * 2


def test_a_file_that_was_emptied_in_place_is_written_from_its_start(log_file, path):
    file = log_file()
    file.append(LINE * 5)
    os.truncate(path, 0)
    file.append(LINE)
    assert path.read_bytes() == LINE


@pytest.mark.parametrize("gone", ["file", "directory"])
def test_what_was_removed_is_made_again(log_file, tmp_path, gone):
    path = tmp_path / "logs" / "app.log"
    file = LogFile(path, retention_periods=1)
    file.append(LINE)
    path.unlink()
    if gone == "directory":
        path.parent.rmdir()
    file.append(LINE)
    file.close()
    assert path.read_bytes() == LINE


def test_a_line_that_a_killed_process_left_torn_is_ended(log_file, path):
    file = log_file()
    file.append(LINE)
    with path.open("ab") as other:
        other.write(b'{"torn')
    file.append(LINE)
    assert path.read_bytes() == LINE + b'{"torn\n' + LINE


def test_a_full_disk_leaves_whole_lines_only_and_writing_resumes(tmp_path):
    with full_disk(tmp_path / "small", 8192) as directory:
        ballast = directory / "ballast"
        ballast.write_bytes(b"x" * 4096)
        file = LogFile(directory / "app.log", retention_periods=1)
        batch = LINE * 700
        written = file.append(batch)
        assert 0 < written < len(batch)
        assert written % len(LINE) == 0
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            file.append(batch)
        assert (directory / "app.log").read_bytes() == batch[:written]
        ballast.unlink()
        assert file.append(LINE * 10) == len(LINE) * 10
        assert (directory / "app.log").read_bytes() == batch[:written] + LINE * 10
        file.close()


def test_a_pipe_without_a_reader_fails_and_one_with_a_reader_is_written(log_file, path):
    os.mkfifo(path)
    file = log_file()
    with pytest.raises(OSError, match=os.strerror(errno.ENXIO)):
        file.append(LINE)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert file.append(LINE) == len(LINE)
        assert os.read(reader, 100) == LINE
    finally:
        os.close(reader)
    with pytest.raises(OSError, match=os.strerror(errno.EPIPE)):
        file.append(LINE)


def test_a_pipe_in_the_place_of_a_file_and_a_file_in_its_place_are_written(log_file, path):
    file = log_file()
    file.append(LINE)
    path.unlink()
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert file.append(LINE) == len(LINE)
        assert os.read(reader, 100) == LINE
    finally:
        os.close(reader)
    path.unlink()
    assert file.append(LINE) == len(LINE)
    assert path.read_bytes() == LINE


def test_a_process_that_is_stopped_while_it_holds_the_lock_stops_nobody_else(log_file, path):
    log_file().append(LINE)
    code = "import fcntl,sys,time; f=open(sys.argv[1]); fcntl.flock(f,2); print(1,flush=True)"
    holder = subprocess.Popen(
        [sys.executable, "-c", f"{code}; time.sleep(600)", str(path)], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.read(1) == b"1"
        holder.send_signal(signal.SIGSTOP)
        assert log_file().append(LINE) == len(LINE)
    finally:
        holder.kill()
        holder.communicate()
    assert path.read_bytes() == LINE * 2


def start_writers(path, processes, records_each, seconds):
    """Processes that log to one file, which each of them rotates every second."""
    numbers = (str(records_each), str(seconds))
    return [
        subprocess.Popen(
            [*(sys.executable, "-m", "benchmarks.apps.rotating", "ours"), path, str(one), *numbers]
        )
        for one in range(processes)
    ]


@pytest.mark.integration
def test_processes_that_are_killed_while_they_write_tear_no_line_and_cost_no_other_a_record(
    tmp_path,
):
    path = tmp_path / "app.log"
    writers = start_writers(path, processes=6, records_each=4000, seconds=2)
    wait_until(path.exists, what="the first lines", timeout_seconds=60)
    for victim in writers[:3]:
        victim.kill()
    assert [writer.wait() for writer in writers] == [-signal.SIGKILL] * 3 + [0] * 3
    messages = [
        json.loads(line)["message"]
        for one in tmp_path.glob("app.log*")
        for line in one.read_text().splitlines()
    ]
    of_survivors = sorted(one for one in messages if one[0] in "345")
    assert of_survivors == sorted(f"{one} {number}" for one in "345" for number in range(4000))


@pytest.mark.integration
def test_processes_that_rotate_one_file_every_second_lose_and_tear_nothing(tmp_path):
    writers = start_writers(tmp_path / "app.log", processes=8, records_each=2500, seconds=3)
    assert [writer.wait() for writer in writers] == [0] * 8
    found = read(tmp_path, processes=8, records=20000)
    assert (found.lost, found.torn, found.twice) == (0, 0, 0)
    assert found.files >= 3
    pattern = r"app\.log(\.\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)?"
    assert all(re.fullmatch(pattern, one.name) for one in tmp_path.iterdir())


def test_standard_output_may_be_a_socket_as_under_systemd():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        program = (
            "from pathlib import Path; from instrumentation.log_file import LogFile; "
            "LogFile(Path('/dev/stdout'), retention_periods=1).append(b'a line\\n')"
        )
        done = subprocess.run([sys.executable, "-c", program], stdout=theirs, check=False)
        assert done.returncode == 0
        assert ours.recv(100) == b"a line\n"
