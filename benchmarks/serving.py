"""A real gunicorn in a folder of its own; it ends with the block that uses it."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.report import ROOT
from stack.ports import LOOPBACK, reserve
from stack.waiting import NotYet, wait_until

CONFIGURATION = ("-c", "python:instrumentation.gunicorn_conf")
THREADS = 8
START_SECONDS, STOP_SECONDS = 60.0, 40.0


class Refused(RuntimeError):
    """The server did not start; the text is the last line that it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A gunicorn that answers at `port`; its files are in `folder`."""

    master: psutil.Process
    port: int
    folder: Path

    def workers(self) -> list[int]:
        """Return the process ids of its workers, oldest first."""
        children = self.master.children()
        return [child.pid for child in sorted(children, key=lambda one: one.create_time())]


@contextlib.contextmanager
def served(
    app: str,
    *,
    workers: int,
    configuration: Sequence[str] = CONFIGURATION,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Serve `module:factory()`, wait until each worker is there, and end it. Raises Refused."""
    with tempfile.TemporaryDirectory(prefix="bench-serve-") as name, reserve() as port:
        folder = Path(name)
        said = folder / "server.log"
        with said.open("wb") as output:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", *configuration),
                    *("--worker-class", "gthread", "--threads", str(THREADS)),
                    *("--workers", str(workers), "--bind", f"{LOOPBACK}:{port.port}", app),
                ],
                cwd=folder,
                env={**os.environ, **(environment or {}), "PYTHONPATH": str(ROOT)},
                stdout=output,
                stderr=output,
            )
        server = Server(master=psutil.Process(process.pid), port=port.port, folder=folder)
        try:
            wait_until(
                lambda: _serves(process, server, workers, said),
                what=f"{workers} workers of {app}",
                timeout_seconds=START_SECONDS,
                retry_on=(OSError, http.client.HTTPException),
            )
            yield server
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _serves(process: subprocess.Popen[bytes], server: Server, workers: int, said: Path) -> bool:
    if process.poll() is not None:
        lines = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise Refused(lines[-1] if lines else f"it ended with {process.returncode}")
    if (started := len(server.workers())) < workers:
        raise NotYet(f"{started} of {workers} workers")
    ask(server.port, "/api/hello")
    return True


def ask(port: int, path: str, *, accept: str = "*/*") -> bytes:
    """Return the body of one answer, over a connection of its own. Raises RuntimeError."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30.0)
    try:
        connection.request("GET", path, headers={"Accept": accept, "Connection": "close"})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"GET {path} answered {answer.status}: {body[:200]!r}")
    return body
