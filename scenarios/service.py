"""The service under test as processes: a fleet of instances forked from one preloaded parent.

One rule: what is known of an instance here comes from the kernel or from HTTP, never from metrics.
"""

from __future__ import annotations

import contextlib
import json
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar

import psutil
import requests

from scenarios.kernel import held_bytes
from stack.launch.premises import Contained, Limits, Part, Premises, Running
from stack.ports import Place
from stack.waiting import WaitTimeout, wait_until

PROBE_TIMEOUT_SECONDS = 1.0

FLEET = "fleet"
"""What is called so forks the instances of all services that share it."""


class ServiceFailed(Exception):
    """An instance could not be started, or did not come back."""


@dataclass(slots=True)
class Instance:
    """One service instance: a gunicorn master with its workers, in a folder of its own.

    Where ``under`` names a program, it runs the instance, rather than the fleet forking it ready.
    """

    id: str
    place: Place
    threads: int
    directory: Path
    environment: Mapping[str, str]
    fleet: Fleet = field(repr=False)
    under: Sequence[str] = ()

    @property
    def url(self) -> str:
        """The address on which the instance serves."""
        return f"http://{self.place.address}"

    def start(self) -> None:
        """Start the instance, or start it again after it was killed."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.fleet.command(
            op="start",
            id=self.id,
            host=self.place.host,
            port=self.place.port,
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

    def freeze(self) -> None:
        """Stop the master, so that it replaces no worker, and then its workers."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let all of them go on."""
        self._send(signal.SIGCONT)

    frozen_says: ClassVar[str] = "the kernel shows every process stopped"
    """What it means that it is :attr:`frozen`."""

    @property
    def frozen(self) -> bool:
        """Whether the kernel shows all of them stopped."""
        family = self.processes()
        return bool(family) and all(one.status() == psutil.STATUS_STOPPED for one in family)

    def held_bytes(self) -> int:
        """Return the memory that the instance holds, in bytes, as its limit counts it."""
        return held_bytes(self.processes())

    def _send(self, number: signal.Signals) -> None:
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

    def __init__(
        self,
        premises: Premises,
        app: str,
        directory: Path,
        *,
        name: str = FLEET,
        limits: Limits | None = None,
        found_in: Sequence[Path] | None = None,
    ) -> None:
        """Fork instances of ``app``.

        ``found_in`` is where an application that is not the demo is found: it is then imported in
        each instance, and instrumented there unless it is.
        """
        self._launched: tuple[str, ...] = ()
        if found_in is not None:
            paths = [part for path in found_in for part in ("--path", str(path))]
            self._launched = ("--launched", *paths)
        self._premises = premises
        self._app = app
        self._directory = directory
        self._name = name
        self._limits = limits or Limits()
        self._pids: dict[str, int] = {}
        self._errors: list[str] = []
        self._lock = threading.Lock()
        self._child: Running | None = None

    @property
    def log(self) -> Path:
        """Where the parent and its instances complain."""
        return self._directory / "fleet.log"

    def start(self) -> None:
        """Start the parent; instances may be commanded at once, it reads them when it is ready."""
        self._child = child = self._premises.start(
            Part(
                name=self._name,
                program="python",
                arguments=("-m", "instrumentation.fleet", "--app", self._app, *self._launched),
                log=self.log,
                # A project's own folders must not stand before the toolkit's of the same name.
                directory=self._directory if self._launched else Path.cwd(),
                spoken_to=True,
                limits=self._limits,
            )
        )
        threading.Thread(target=self._read, args=(child,), name="fleet-events", daemon=True).start()

    @property
    def container(self) -> Contained:
        """What the fleet runs in, where it is a container.

        Raises:
            ServiceFailed: it is none, or was not started.
        """
        if not isinstance(self._child, Contained):
            raise ServiceFailed(f"{self._name} does not run in a container")
        return self._child

    @property
    def started(self) -> bool:
        """Whether it was ever started."""
        return self._child is not None

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

    def _read(self, child: Running) -> None:
        if child.stdout is None:
            return
        for line in child.stdout:
            event = json.loads(line)
            with self._lock:
                if event["event"] == "started":
                    self._pids[event["id"]] = self._premises.kernel_pid(self._name, event["pid"])
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
