"""Child processes that cannot outlive this one, not even when it is killed with SIGKILL.

Design rule: every child is started by one thread that lives as long as its children. The
parent-death signal (prctl(2), PR_SET_PDEATHSIG) follows the parent *thread*, so that a child
started by a thread that ends would be killed with it.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import IO, Self

__all__ = ["ProcessError", "Processes", "dying_with"]

GRACE_SECONDS = 5.0
"""How long a process may take to end after SIGTERM. Prometheus needs the most: it closes its
database, which takes well under a second for the few minutes of data that a drill leaves."""

# The parent may have died before the signal was armed: then the shell has another parent, and the
# signal would never come. The shell reads its parent after setpriv has armed it.
_EXEC_IF_PARENT_LIVES = '[ "$PPID" = "$0" ] && exec "$@"'


class ProcessError(RuntimeError):
    """A process could not be started or is not there to be stopped: one line, with the remedy."""


def dying_with(parent_pid: int, argv: Sequence[str]) -> list[str]:
    """Return the argument list that runs `argv` so that it dies with the process `parent_pid`.

    Only for a direct child of that process; the program keeps its pid, as each step is an exec.
    Raises `ProcessError` if setpriv (util-linux) is missing.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ProcessError(
            "setpriv is not on PATH, and without it processes could outlive a killed run;"
            " install util-linux (apt-get install util-linux)"
        )
    shell = ["/bin/sh", "-c", _EXEC_IF_PARENT_LIVES, str(parent_pid)]
    return [setpriv, "--pdeathsig", "KILL", "--", *shell, *argv]


class Processes:
    """The child processes of one run, by name. Thread-safe; a context manager that ends them all.

    A child leads a session of its own, so that Ctrl-C in the terminal reaches this process only,
    which then ends its children in order.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._requests: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._spawner: threading.Thread | None = None
        self._closed = False

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path | None,
        stdin: int | None = None,
        stdout: int | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        outlives: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Start `argv` under `name`, and return it without waiting for anything.

        What it prints is appended to `log` (None: discarded), except for standard output where
        `stdout` is PIPE. Standard input is empty unless `stdin` is PIPE. A name may be used
        again once its process has ended. One that `outlives` this process, where that is killed,
        has to end by itself.

        Raises `ProcessError` if the program or setpriv is missing, if a process of this name is
        running, or if this object is closed.
        """
        path = None if env is None else env.get("PATH")
        if shutil.which(argv[0], path=path) is None:
            raise ProcessError(f"cannot start {name}: {argv[0]} is not an executable program")
        command = list(argv) if outlives else dying_with(os.getpid(), argv)
        started: Future[subprocess.Popen[bytes]] = Future()

        def spawn() -> None:
            try:
                started.set_result(_popen(command, log, stdin, stdout, env, cwd))
            except BaseException as error:  # noqa: BLE001  (handed to the caller's thread whole)
                started.set_exception(error)

        with self._lock:
            if self._closed:
                raise ProcessError(f"cannot start {name}: this run's processes are being ended")
            running = self._children.get(name)
            if running is not None and running.poll() is None:
                raise ProcessError(f"cannot start {name}: it is running, pid {running.pid}")
            if self._spawner is None:
                self._spawner = threading.Thread(
                    target=self._spawn_until_closed, name="process-spawner", daemon=True
                )
                self._spawner.start()
            self._requests.put(spawn)
            child = started.result()
            self._children[name] = child
        return child

    def exited(self) -> dict[str, int]:
        """Return the processes that have ended: name to return code (negative: the signal)."""
        with self._lock:
            children = dict(self._children)
        codes = {name: child.poll() for name, child in children.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def stop(self, *names: str, grace_seconds: float = GRACE_SECONDS) -> None:
        """End these processes: SIGTERM to all at once, then SIGKILL to those that remain.

        Raises `ProcessError` for a name that was never started.
        """
        with self._lock:
            unknown = [name for name in names if name not in self._children]
            if unknown:
                known = ", ".join(sorted(self._children)) or "none"
                raise ProcessError(f"no process named {', '.join(unknown)}; known: {known}")
            children = [self._children[name] for name in names]
        _end(children, grace_seconds)

    def stop_all(self, *, grace_seconds: float = GRACE_SECONDS) -> None:
        """End every process, all at once."""
        with self._lock:
            children = list(self._children.values())
        _end(children, grace_seconds)

    def close(self) -> None:
        """End every process, then the thread that started them. Nothing can be started after."""
        with self._lock:
            self._closed = True
        self.stop_all()
        with self._lock:
            spawner, self._spawner = self._spawner, None
        if spawner is not None:
            self._requests.put(None)
            spawner.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _spawn_until_closed(self) -> None:
        while (request := self._requests.get()) is not None:
            request()


def _popen(
    command: list[str],
    log: Path | None,
    stdin: int | None,
    stdout: int | None,
    env: Mapping[str, str] | None,
    cwd: Path | None,
) -> subprocess.Popen[bytes]:
    output: IO[bytes] | int = subprocess.DEVNULL
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        output = log.open("ab")
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=output if stdout is None else stdout,
            stderr=output,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    finally:
        if not isinstance(output, int):
            output.close()


def _end(children: Sequence[subprocess.Popen[bytes]], grace_seconds: float) -> None:
    alive = [child for child in children if child.poll() is None]
    for child in alive:
        child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    for child in alive:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _kill_session(child)
    for child in alive:
        child.wait()
    for child in children:
        if child.stdin is not None:
            _close_quietly(child.stdin)  # not stdout: it belongs to the thread that reads it


def _kill_session(child: subprocess.Popen[bytes]) -> None:
    # Not reaped yet, so that its process group cannot have become somebody else's.
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)


def _close_quietly(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:  # unwritten input of a process that is gone
        return
