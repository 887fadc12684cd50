"""The load generator, as the drills see it: one Locust process, commanded and listened to.

One rule: Locust is never imported here; two pipes of JSON lines reach it, and what comes back is a
dataclass or a named error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from scenarios.load_plan import LoadPlan
from scenarios.load_sample import LoadSample, parse_sample
from stack.processes import Processes

ROOT = Path(__file__).resolve().parents[1]
LOCUSTFILE = ROOT / "loadtests" / "locustfile.py"
LOCUST_OPTIONS = ("--headless", "--only-summary", "--loglevel", "WARNING")

COMMAND_SECONDS = 5.0  # an acknowledgement takes milliseconds; a starved core, longer
STOP_SECONDS = 2.0  # then the process is killed


class LoadError(RuntimeError):
    """The load generator ended by itself, refused a command, or doesn't answer."""


class LoadGenerator:
    """The Locust process of a run: started once, commanded by many drills, stopped at the end.

    Every method may be called from any thread. ``on_sample`` is called from the thread that reads
    the samples; if it raises, the load ends, and ``died`` says so.
    """

    def __init__(
        self,
        processes: Processes,
        plan: LoadPlan,
        directory: Path,
        on_sample: Callable[[LoadSample], None],
    ) -> None:
        self._processes = processes
        self._plan = plan
        self._directory = directory
        self._on_sample = on_sample
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._changed = threading.Condition()
        self._commands = 0
        self._answers: dict[int, Mapping[str, Any]] = {}
        self._started_at: float | None = None
        self._ended = False
        self._stopping = False

    @property
    def log(self) -> Path:
        """What Locust itself has to say."""
        return self._directory / "locust.log"

    @property
    def died(self) -> int | None:
        """The exit status of a process that ended without being stopped, else ``None``."""
        if self._process is None or self._stopping:
            return None
        return self._process.poll()

    def start(self) -> None:
        """Write the plan and start the process; its users start by themselves."""
        self._directory.mkdir(parents=True, exist_ok=True)
        plan_file = self._directory / "load-plan.json"
        plan_file.write_text(self._plan.as_json(), encoding="utf-8")
        self._process = self._processes.start(
            "locust",
            [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *LOCUST_OPTIONS],
            log=self.log,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(plan_file, self._plan.paths),
            cwd=self._directory,
        )
        self._reader = threading.Thread(
            target=self._read, args=(self._process,), name="load-samples", daemon=True
        )
        self._reader.start()

    def wait_started(self, timeout: float) -> float:
        """Wait until all users run, at most ``timeout`` seconds.

        Returns:
            When the first request was due, in seconds since the epoch.

        Raises:
            LoadError: the process ended, or the time was up.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._started_at is not None or self._ended, timeout)
            if self._started_at is None:
                raise LoadError(self._explain(f"no users after {timeout:g} s"))
            return self._started_at

    def flow(self, target: str, on: bool) -> float:
        """Let the target's load flow, or stop; returns and raises as ``fault_on``."""
        return self._command({"target": target, "flow": on})

    def fault_on(
        self,
        target: str,
        fault_json: Mapping[str, object],
        share: float,
        only: Sequence[str] = (),
    ) -> float:
        """Let ``share`` of the target's requests carry the fault, given in its wire form.

        ``only`` names the requests of the journey of which that share is taken; all by default.

        Returns:
            When it took effect, in seconds since the epoch: no earlier request carries it.

        Raises:
            LoadError: the command was refused, or the process is gone.
        """
        return self._command(
            {"target": target, "fault": dict(fault_json), "share": share, "only": list(only)}
        )

    def fault_off(self, target: str) -> float:
        """Let no request carry a fault any more; returns and raises as ``fault_on``."""
        return self._command({"target": target, "fault": None})

    def use_card(self, target: str, payment_method: str) -> float:
        """Pay with this payment method from now on; returns and raises as ``fault_on``."""
        return self._command({"target": target, "payment_method": payment_method})

    def use_journey(self, target: str, journey: Mapping[str, int]) -> float:
        """Send this mix of requests from now on; returns and raises as ``fault_on``."""
        return self._command({"target": target, "journey": dict(journey)})

    def stop(self) -> None:
        """End the load at once, whatever is in flight. Does nothing where it has ended."""
        process, reader = self._process, self._reader
        if process is None or reader is None:
            return
        if process.poll() is None:
            self._stopping = True
        with self._changed:
            assert process.stdin is not None
            with suppress(BrokenPipeError):  # it was quicker
                process.stdin.close()  # it takes the end of its input for "quit"
        _reap(process)
        if reader is not threading.current_thread():
            reader.join()

    def _command(self, command: dict[str, object]) -> float:
        with self._changed:
            self._commands += 1
            number = self._commands
            self._write({**command, "id": number})
            self._changed.wait_for(
                lambda: number in self._answers or self._ended, timeout=COMMAND_SECONDS
            )
            answer = self._answers.pop(number, None)
        if answer is None:
            raise LoadError(self._explain(f"no answer to {command} in {COMMAND_SECONDS:g} s"))
        if answer.get("event") == "error":
            raise LoadError(f"the load generator refused {command}: {answer.get('message')}")
        return float(answer["at"])

    def _write(self, command: Mapping[str, object]) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.closed:
            raise LoadError(f"the load generator isn't running, so it can't take {dict(command)}")
        try:
            process.stdin.write(json.dumps(command).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError as error:
            raise LoadError(self._explain(f"it can't take {dict(command)}")) from error

    def _explain(self, what: str) -> str:
        died, log = self.died, self.log
        state = "is not running" if self._ended or self._process is None else "is running"
        lines = log.read_text(errors="replace").split("\n") if log.exists() else []
        last = next((line for line in reversed(lines) if line.strip()), "nothing")
        return (
            f"load generator: {what}; the process {state if died is None else f'ended with {died}'}"
            f"; its last words: {last}; look: {log}"
        )

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                self._take(json.loads(line))
        finally:
            # Closing the pipe ends the process too, where a sample could not be taken.
            process.stdout.close()
            _reap(process)  # before anybody is told, so that ``died`` has its answer
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _take(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "sample":
            self._on_sample(parse_sample(event))
            return
        with self._changed:
            if event["event"] == "started":
                self._started_at = float(event["at"])
            elif isinstance(number := event.get("id"), int):
                self._answers[number] = event
            self._changed.notify_all()


def _reap(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environment(plan_file: Path, paths: Sequence[Path] = ()) -> dict[str, str]:
    # A person's own LOCUST_* settings are for that person's runs.
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("LOCUST_")}
    known = [str(ROOT), *map(str, paths), inherited.get("PYTHONPATH")]
    path = os.pathsep.join(filter(None, known))
    # Hosts are numeric: resolving them needs no thread pool, which costs more than the request.
    own = {"LOAD_PLAN": str(plan_file.resolve()), "PYTHONPATH": path, "GEVENT_RESOLVER": "block"}
    return {**inherited, **own}
