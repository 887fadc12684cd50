"""Children end when they should: with their owner, however it ends, and not before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stack.processes import ProcessError, Processes, dying_with
from stack.waiting import wait_until

FOREVER = [sys.executable, "-c", "import signal; signal.pause()"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); signal.pause()",
]
OWNER = """
import signal, sys
from stack.processes import Processes
processes = Processes()
child = processes.start("child", [sys.executable, "-c", "import signal; signal.pause()"], log=None)
print(child.pid, flush=True)
signal.pause()
"""


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody has reaped yet has ended as well."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def test_a_killed_owner_leaves_no_child() -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    child = int(owner.stdout.readline())
    assert not is_gone(child)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    wait_until(lambda: is_gone(child), what=f"pid {child} to be gone", timeout_seconds=5)


def test_a_child_outlives_the_thread_that_asked_for_it() -> None:
    with Processes() as processes:
        asking = threading.Thread(target=lambda: processes.start("child", FOREVER, log=None))
        asking.start()
        asking.join()
        # A second child, started later, shows that the kernel has had its time to kill the first.
        processes.start("second", [sys.executable, "-c", ""], log=None).wait(timeout=20)
        assert processes.exited() == {"second": 0}


def test_a_program_does_not_start_once_its_parent_has_died_already(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    not_my_parent = os.getppid()
    done = subprocess.run(dying_with(not_my_parent, ["touch", str(trace)]), check=False)
    assert done.returncode != 0
    assert not trace.exists()


def test_the_program_keeps_the_pid_that_was_returned(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Processes() as processes:
        child = processes.start(
            "child", [sys.executable, "-c", "import os; print(os.getpid())"], log=log
        )
        child.wait(timeout=20)
    assert int(log.read_text()) == child.pid


def test_a_deaf_process_is_killed_after_its_grace(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Processes() as processes:
        deaf = processes.start("deaf", STUBBORN, log=log)
        polite = processes.start("polite", FOREVER, log=None)
        wait_until(lambda: "deaf" in log.read_text(), what="the handler", timeout_seconds=20)
        processes.stop("deaf", "polite", grace_seconds=0.2)
        assert deaf.returncode == -signal.SIGKILL
        assert polite.returncode == -signal.SIGTERM


def test_a_stopped_process_is_killed_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Processes() as processes:
        frozen = processes.start("frozen", STUBBORN, log=log)
        wait_until(lambda: "deaf" in log.read_text(), what="the handler", timeout_seconds=20)
        os.kill(frozen.pid, signal.SIGSTOP)
        processes.stop("frozen", grace_seconds=0.1)
        assert frozen.returncode == -signal.SIGKILL


def test_leaving_the_context_ends_every_process_and_forbids_another() -> None:
    with Processes() as processes:
        children = [processes.start(f"child {n}", FOREVER, log=None) for n in range(3)]
    assert [child.returncode for child in children] == [-signal.SIGTERM] * 3
    with pytest.raises(ProcessError, match="are being ended"):
        processes.start("late", FOREVER, log=None)


def test_a_name_is_free_again_once_its_process_has_ended() -> None:
    with Processes() as processes:
        processes.start("child", FOREVER, log=None)
        with pytest.raises(ProcessError, match="it is running, pid"):
            processes.start("child", FOREVER, log=None)
        processes.stop("child")
        assert processes.start("child", FOREVER, log=None).poll() is None


def test_an_unknown_name_lists_the_known_ones() -> None:
    with Processes() as processes:
        processes.start("prometheus", FOREVER, log=None)
        with pytest.raises(ProcessError, match="no process named prometeus; known: prometheus"):
            processes.stop("prometeus")


def test_a_missing_program_is_told_before_anything_starts() -> None:
    with Processes() as processes:
        with pytest.raises(ProcessError, match="no-such-program is not an executable program"):
            processes.start("child", ["no-such-program"], log=None)
        assert processes.exited() == {}


def test_a_missing_setpriv_is_one_line_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with Processes() as processes, pytest.raises(ProcessError, match="install util-linux") as told:
        processes.start("child", FOREVER, log=None)
    assert "\n" not in str(told.value)


def test_input_and_output_can_be_pipes_while_errors_go_to_the_log(tmp_path: Path) -> None:
    program = "import sys; print('complaint', file=sys.stderr); print(input().upper(), flush=True)"
    log = tmp_path / "folder" / "log"
    with Processes() as processes:
        child = processes.start(
            "child",
            [sys.executable, "-c", program],
            log=log,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        output, _ = child.communicate(b"hello\n", timeout=20)
    assert output == b"HELLO\n"
    assert log.read_text() == "complaint\n"


def test_environment_and_directory_are_as_given(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = "import os; print(os.environ['DRILL'], os.getcwd())"
    with Processes() as processes:
        processes.start(
            "child",
            [sys.executable, "-c", program],
            log=log,
            env={"DRILL": "7", "PATH": os.environ["PATH"]},
            cwd=tmp_path,
        ).wait(timeout=20)
    assert log.read_text() == f"7 {tmp_path}\n"


def test_many_threads_may_start_and_stop_at_the_same_time() -> None:
    with Processes() as processes:

        def cycle(number: int) -> None:
            processes.start(f"child {number}", FOREVER, log=None)
            processes.stop(f"child {number}")

        threads = [threading.Thread(target=cycle, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert processes.exited() == {f"child {n}": -signal.SIGTERM for n in range(12)}
