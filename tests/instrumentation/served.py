"""An application under a real server on a port of its own, for the time of a test."""

import contextlib
import os
import re
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from stack.ports import reserve
from stack.processes import Processes
from stack.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
ANSWER_SECONDS = 30.0
"""Patience with a busy machine; nothing is judged by it."""

COUNTING = "tests.instrumentation.apps.counting:create_app()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running service: its address, its server's process, and the file of what it printed."""

    url: str
    pid: int
    output: Path
    folder: Path

    def get(self, path: str, **options: object) -> requests.Response:
        options.setdefault("timeout", ANSWER_SECONDS)
        headers = {"Connection": "close", **options.pop("headers", {})}
        return requests.get(f"{self.url}{path}", headers=headers, **options)

    def samples(self, path: str = "/api/metrics/prometheus", **options: object) -> dict[str, float]:
        """The exposition's samples by their whole names with labels."""
        answer = self.get(path, **options)
        assert answer.status_code == 200, answer.text
        return parse_samples(answer.text)

    def workers(self) -> list[psutil.Process]:
        """The worker processes that are alive."""
        alive = []
        for child in psutil.Process(self.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # it was reaped meanwhile
                if child.status() != psutil.STATUS_ZOMBIE:
                    alive.append(child)
        return alive

    def kill_worker(self, worker: psutil.Process, number: signal.Signals) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.send_signal(number)


def parse_samples(text: str) -> dict[str, float]:
    """Samples of an exposition by their whole names; timestamps and exemplars are left out."""
    lines = (line.partition(" # ")[0] for line in text.splitlines() if not line.startswith("#"))
    return {name: float(number) for name, _, number in (line.rpartition(" ") for line in lines)}


@contextlib.contextmanager
def gunicorn(
    folder: Path,
    *arguments: str,
    app: str = COUNTING,
    configuration: str = "python:instrumentation.gunicorn_conf",
    environment: dict[str, str] | None = None,
    ready_url: str | None = None,
) -> Iterator[Served]:
    """Serve `app` until the block ends; `folder` is its working folder and keeps its output."""
    port = reserve()
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / "gunicorn.out"
    program = Path(sys.executable).with_name("gunicorn")  # run as a module it can't replace itself
    argv = [str(program), "-c", configuration]
    argv += ["--bind", f"127.0.0.1:{port.port}", *arguments, app]
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not re.match(r"INSTRUMENT_|PROMETHEUS_|PYTEST|WEB_CONCURRENCY", name)
    }
    env = {
        **inherited,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "INSTRUMENT_LOG_FILE": str(folder / "app.log"),
        "INSTRUMENT_DRAIN_SECONDS": "0",
        **(environment or {}),
    }
    with port, Processes() as processes:
        master = processes.start("gunicorn", argv, log=output, env=env, cwd=folder)
        served = Served(
            url=f"http://127.0.0.1:{port.port}", pid=master.pid, output=output, folder=folder
        )

        def answers() -> bool:
            assert master.poll() is None, output.read_text()
            url = ready_url or f"{served.url}/api/metrics/live"
            return requests.get(url, timeout=5).status_code == 200

        wait_until(
            answers,
            what="gunicorn answers",
            timeout_seconds=START_SECONDS,
            retry_on=(requests.RequestException,),
        )
        yield served
