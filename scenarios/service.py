"""The service under test as processes: a fleet of instances forked from one preloaded parent.

One rule: what is known of an instance here comes from the kernel or from HTTP, never from metrics.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import psutil
import requests

from stack.processes import Processes
from stack.waiting import WaitTimeout, wait_until

PROBE_TIMEOUT_SECONDS = 1.0


class ServiceFailed(Exception):
    """An instance could not be started, or did not come back."""


@dataclass(slots=True)
class Instance:
    """One service instance: a gunicorn master with its workers, in a folder of its own.

    Where ``under`` names a program, it runs the instance, rather than the fleet forking it ready.
    """

    id: str
    port: int
    threads: int
    directory: Path
    environment: Mapping[str, str]
    fleet: Fleet = field(repr=False)
    under: Sequence[str] = ()

    @property
    def url(self) -> str:
        """The address on which the instance serves."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the instance, or start it again after it was killed."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.fleet.command(
            op="start",
            id=self.id,
            port=self.port,
            threads=self.threads,
            env=dict(self.environment),
            directory=str(self.directory),
            under=list(self.under),
        )

    def kill(self) -> None:
        """Send SIGKILL to the master and its workers at once."""
        self.fleet.command(op="kill", id=self.id)

    def processes(self) -> list[psutil.Process]:
        """Return the master and its workers as the kernel knows them; empty when none is left."""
        pid = self.fleet.pid_of(self.id)
        if pid is None:
            return []
        try:
            master = psutil.Process(pid)
            family = [master, *master.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []
        return [process for process in family if _alive(process)]

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the master first, then to its workers."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def serves(self, path: str = "/api/metrics/live") -> bool:
        """Return whether a GET of ``path`` is answered with 200 within a second."""
        try:
            answer = requests.get(self.url + path, timeout=PROBE_TIMEOUT_SECONDS)
        except requests.RequestException:
            return False
        return answer.status_code == HTTPStatus.OK

    def _serves_or_fails(self) -> bool:
        if self.fleet.died is not None:
            raise ServiceFailed(
                f"the fleet of service instances ended with status {self.fleet.died}; "
                f"see {self.fleet.log}"
            )
        if refused := [error for error in self.fleet.errors if error.startswith(f"{self.id}:")]:
            raise ServiceFailed("; ".join(refused))
        return self.serves()

    def wait_serving(self, timeout_seconds: float) -> None:
        """Wait until the instance answers.

        Raises:
            ServiceFailed: naming the log to read, when it does not within ``timeout_seconds``.
        """
        try:
            wait_until(
                self._serves_or_fails,
                what=f"{self.id} to answer at {self.url}",
                timeout_seconds=timeout_seconds,
                interval_seconds=0.05,
            )
        except WaitTimeout as error:
            log = self.directory / "gunicorn.log"
            tail = log.read_text(errors="replace")[-1500:] if log.exists() else "(no log)"
            raise ServiceFailed(f"{error}\n  last lines of gunicorn.log:\n{tail}") from error


class Fleet:
    """The parent process that has the application loaded and forks one gunicorn an instance."""

    def __init__(self, processes: Processes, app: str, directory: Path) -> None:
        self._processes = processes
        self._app = app
        self._directory = directory
        self._pids: dict[str, int] = {}
        self._errors: list[str] = []
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Where the parent and its instances complain."""
        return self._directory / "fleet.log"

    def start(self) -> None:
        """Start the parent; instances may be commanded at once, it reads them when it is ready."""
        self._child = self._processes.start(
            "fleet",
            [sys.executable, "-m", "instrumentation.fleet", "--app", self._app],
            log=self.log,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        threading.Thread(target=self._read, name="fleet-events", daemon=True).start()

    def command(self, **words: object) -> None:
        """Send one command.

        Raises:
            ServiceFailed: the fleet is gone.
        """
        child = self._child
        if child is None or child.stdin is None:
            raise ServiceFailed("the fleet of service instances was not started")
        line = json.dumps(words).encode() + b"\n"
        with self._lock:
            if words["op"] == "start":
                self._pids.pop(str(words["id"]), None)
            try:
                child.stdin.write(line)
                child.stdin.flush()
            except (BrokenPipeError, ValueError) as error:
                raise ServiceFailed(
                    f"the fleet of service instances is gone; see {self.log}"
                ) from error

    def pid_of(self, instance: str) -> int | None:
        """Return the process id of an instance's gunicorn master, once it was forked."""
        with self._lock:
            return self._pids.get(instance)

    @property
    def died(self) -> int | None:
        """The exit status of the fleet's parent, or ``None`` while it runs."""
        return None if self._child is None else self._child.poll()

    def _read(self) -> None:
        child = self._child
        if child is None or child.stdout is None:
            return
        for line in child.stdout:
            event = json.loads(line)
            with self._lock:
                if event["event"] == "started":
                    self._pids[event["id"]] = event["pid"]
                elif event["event"] == "error":
                    self._errors.append(f"{event.get('id')}: {event['message']}")

    @property
    def errors(self) -> tuple[str, ...]:
        """What the fleet complained of."""
        with self._lock:
            return tuple(self._errors)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
