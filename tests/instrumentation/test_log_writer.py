import gc
import json
import multiprocessing.util
import os
import re
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest

from instrumentation.log_counts import LEVELS, REASONS, LogCounts
from instrumentation.log_file import LogFile
from instrumentation.log_writer import LogWriter
from stack.waiting import wait_until

LINE = b'{"a":1}\n'


@pytest.fixture
def path(tmp_path):
    return tmp_path / "app.log"


@pytest.fixture
def counts():
    return LogCounts()


@pytest.fixture
def make_writer(path, counts):
    made = []

    def make(**options):
        file = LogFile(path, retention_periods=1)
        made.append(LogWriter(file, counts=counts, **{"max_bytes": 1 << 20, **options}))
        return made[-1]

    yield make
    for writer in made:
        writer.close()


def run(code, **options):
    """Run a program of a few lines with a log in its working directory."""
    start = (
        "import logging, os, signal, sys, time\n"
        "from flask import Flask\n"
        "from instrumentation.logging_config import configure_logging\n"
        "app = Flask('program')\n"
        "configure_logging(app, 'app.log')\n"
    )
    return subprocess.run(
        [sys.executable, "-c", start + code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])},
        **options,
    )


def messages(path):
    return [json.loads(line)["message"] for line in path.read_text().splitlines()]


def test_lines_arrive_by_themselves_and_in_order(make_writer, path):
    writer = make_writer()
    for number in range(1000):
        writer.put(b"%d\n" % number, "info")
    wait_until(
        lambda: (path.exists() and path.read_bytes().count(b"\n") == 1000) or None,
        what="1000 lines",
        timeout_seconds=10,
    )
    assert path.read_text().split() == [str(number) for number in range(1000)]


def test_flush_returns_when_everything_before_it_is_written(make_writer, path):
    writer = make_writer(gather_seconds=60.0)
    writer.put(LINE, "info")
    assert writer.flush(10)
    assert path.read_bytes() == LINE


def test_the_thread_sleeps_while_there_is_nothing_to_write(make_writer, path):
    others = set(threading.enumerate())
    writer = make_writer()
    writer.put(LINE, "info")
    assert writer.flush(10)
    (thread,) = set(threading.enumerate()) - others
    status = Path(f"/proc/self/task/{thread.native_id}/status")

    def wakings():
        found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status.read_text(), re.MULTILINE)
        return int(found[1])

    before = wakings()
    time.sleep(0.5)  # nothing is to happen, so there is nothing to wait for
    assert wakings() - before <= 5, "what the flush began ends, and nothing follows"
    assert path.read_bytes() == LINE


def test_lines_of_many_threads_are_all_there(make_writer, path, counts):
    writer = make_writer(max_bytes=1 << 24)

    def put():
        for _ in range(2000):
            writer.put(LINE, "info")

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.flush(20)
    assert path.read_bytes() == LINE * 16000
    assert set(counts.lost.values()) == {0}


def test_what_does_not_fit_is_lost_and_counted_and_nobody_waits_for_a_stuck_file(
    make_writer, path, counts, stuck
):
    writer = make_writer(max_bytes=100 * len(LINE))
    with stuck():
        begun = time.monotonic()
        for _ in range(1000):
            writer.put(LINE, "info")
        took_seconds = time.monotonic() - begun
        assert took_seconds < 1.0
        assert not writer.flush(0.05)
        assert counts.lost["queue_full"] == 900
    assert writer.flush(10)
    assert path.read_bytes() == LINE * 100


@pytest.fixture
def stuck(monkeypatch):
    """Have every write wait, as on a file system that does not answer: that cannot be had here."""
    import contextlib

    @contextlib.contextmanager
    def held():
        answers = threading.Event()
        append = LogFile.append
        with monkeypatch.context() as patch:
            patch.setattr(LogFile, "append", lambda *args: answers.wait(60) and append(*args))
            yield
            answers.set()

    return held


def test_what_cannot_be_written_is_lost_and_counted_and_writing_resumes(
    make_writer, tmp_path, path, counts, capfd
):
    writer = make_writer()
    path.mkdir()
    for _ in range(3):
        writer.put(LINE, "info")
    assert writer.flush(10)
    assert counts.lost["write_failed"] == 3
    writer.put(LINE, "info")
    assert writer.flush(10)
    assert counts.lost["write_failed"] == 4
    path.rmdir()
    writer.put(LINE, "info")
    assert writer.flush(10)
    assert path.read_bytes() == LINE
    assert counts.lost["write_failed"] == 4
    said = capfd.readouterr().err
    assert said.count(str(path)) == 1, "an outage is told once"


def test_what_was_counted_before_is_handed_over_when_somebody_binds(counts):
    told = []
    counts.made({"debug": 1})
    counts.made({"error": 1})
    counts.lose("queue_full", 3)
    counts.bind(lambda *what: told.append(what), lambda *what: told.append(what))
    counts.made({"info": 1})
    counts.lose("shutdown")
    assert sorted(told) == sorted(
        [("debug", 1), ("error", 1), ("queue_full", 3), ("info", 1), ("shutdown", 1)]
    )
    assert set(counts.levels) == set(LEVELS)
    assert set(counts.lost) == set(REASONS)


def test_a_metric_that_fails_costs_no_record(make_writer, path, counts, capfd):
    def fails(*_):
        raise RuntimeError("no metrics today")

    counts.bind(fails, fails)
    writer = make_writer()
    for _ in range(3):
        writer.put(LINE, "info")
        assert writer.flush(10)
    counts.lose("queue_full")
    assert path.read_bytes() == LINE * 3
    assert capfd.readouterr().err.count("no metrics today") == 1


def test_nothing_is_lost_when_a_program_ends(tmp_path):
    done = run("for n in range(5000): app.logger.info('%d', n)", cwd=tmp_path)
    assert done.stderr == ""
    assert messages(tmp_path / "app.log") == [str(number) for number in range(5000)]


def test_what_is_logged_while_the_interpreter_ends_is_written(tmp_path):
    code = "import atexit, weakref\nlogging.shutdown()\napp.logger.info('after the end')\n"
    assert run(code, cwd=tmp_path).stderr == ""
    assert messages(tmp_path / "app.log") == ["after the end"]


def test_forked_children_write_what_is_theirs_once(tmp_path):
    code = (
        "app.logger.info('before')\n"
        "children = []\n"
        "for n in range(4):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        app.logger.info('child %d', n)\n"
        "        sys.exit(0)\n"
        "    children.append(pid)\n"
        "for pid in children: os.waitpid(pid, 0)\n"
        "app.logger.info('after')\n"
    )
    assert run(code, cwd=tmp_path).stderr == ""
    path = tmp_path / "app.log"
    assert sorted(messages(path)) == sorted(["before", *(f"child {n}" for n in range(4)), "after"])
    ids = [json.loads(line)["event.id"] for line in path.read_text().splitlines()]
    assert len(set(ids)) == 6


def test_a_writer_that_was_closed_is_kept_by_nothing(path, counts):
    assert multiprocessing.util  # it is loaded, as where a process starts children
    writer = LogWriter(LogFile(path, retention_periods=1), counts=counts, max_bytes=1 << 20)
    writer.put(LINE, "info")
    writer.close()
    kept = weakref.ref(writer)
    del writer
    gc.collect()
    assert kept() is None
    assert path.read_bytes() == LINE


def test_children_of_multiprocessing_write_before_they_end(tmp_path):
    code = (
        "import multiprocessing\n"
        "fork = multiprocessing.get_context('fork')\n"
        "child = fork.Process(target=app.logger.info, args=('child',))\n"
        "child.start(); child.join()\n"
    )
    assert run(code, cwd=tmp_path).stderr == ""
    assert messages(tmp_path / "app.log") == ["child"]


def test_a_program_ends_although_its_log_cannot_be_written_and_says_so(tmp_path):
    code = (
        "import instrumentation.log_writer as writer\n"
        "from instrumentation.log_file import LogFile\n"
        "writer.LogWriter.flush.__defaults__ = (0.1,)\n"
        "LogFile.append = lambda *_: time.sleep(600)\n"
        "app.logger.info('stuck')\n"
    )
    done = run(code, cwd=tmp_path, timeout=60)
    assert "1 log records could not be written" in done.stderr
    assert done.returncode == 0


def test_a_signals_handler_may_log_at_any_moment(tmp_path):
    code = (
        "signal.signal(signal.SIGALRM, lambda *_: app.logger.info('signal'))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0005)\n"
        "for n in range(3000): app.logger.info('main')\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
    )
    done = run(code, cwd=tmp_path, timeout=60)
    assert done.stderr == ""
    written = messages(tmp_path / "app.log")
    assert written.count("main") == 3000
    assert written.count("signal") > 0
