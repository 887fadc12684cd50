"""The demo service, for a load test that names no host.

One rule: it ends with whoever started it, however that ends, and leaves nothing behind.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
READY_SECONDS = 60.0
STOP_SECONDS = 20.0  # the service's own graceful stop is bounded by less
LAST_LINES = 5
_READY = re.compile(r"service +(?P<url>http://\S+)/api/users")


class ServiceUnavailable(RuntimeError):
    """The demo service did not come up: one line, with its own last words."""


def dying_with_this(argv: Sequence[str]) -> list[str]:
    """The command that runs ``argv`` so that it is told to end when this process is gone.

    Where setpriv (util-linux) is missing it is ``argv`` as it is.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return list(argv)
    # The parent may be gone before the signal is armed: then the shell has another one.
    only_if = ["/bin/sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"', str(os.getpid())]
    return [setpriv, "--pdeathsig", "TERM", "--", *only_if, *argv]


def environment() -> dict[str, str]:
    """The environment of a process that imports this clone's rooms from any folder."""
    others = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [others])])}


@contextmanager
def running_demo() -> Iterator[str]:
    """Start SoftFactory on a free loopback port, in a folder of its own, and yield its URL.

    Raises:
        ServiceUnavailable: it ended, or was not up in time.
    """
    with _passing_folder() as (folder, used):
        process = subprocess.Popen(
            dying_with_this([sys.executable, "-m", "instrumentation.demo", "up", "--port", "0"]),
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            pass_fds=[used],
        )
        said = _Said(process)
        try:
            yield said.url()
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            said.join()


@contextmanager
def _passing_folder() -> Iterator[tuple[str, int]]:
    """Make a folder that is gone once this context and all who have the descriptor have ended.

    What removes it is a process that reads the other end: it lives when this one is killed.
    """
    folder = tempfile.mkdtemp(prefix="loadtest-")
    unused, used = os.pipe()
    remover = subprocess.Popen(
        ["/bin/sh", "-c", 'cat; exec rm -rf -- "$0"', folder],
        stdin=unused,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(unused)
    try:
        yield folder, used
    finally:
        os.close(used)
        with suppress(subprocess.TimeoutExpired):  # it waits for who has it as yet
            remover.wait(STOP_SECONDS)


class _Said:
    """What the service prints: read for as long as it runs, so that it never waits for a reader."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._last: list[str] = []
        self._url = ""
        self._known = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def url(self) -> str:
        """Wait until the service answers, and return where."""
        if not self._known.wait(READY_SECONDS):
            raise ServiceUnavailable(self._words(f"was not up within {READY_SECONDS:g} s"))
        if not self._url:
            raise ServiceUnavailable(self._words("ended before it was up"))
        return self._url

    def join(self) -> None:
        """Read to the end."""
        self._thread.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._last = [*self._last, line.strip()][-LAST_LINES:]
            if found := _READY.search(line):
                self._url = found["url"]
                self._known.set()
        self._known.set()

    def _words(self, what: str) -> str:
        return f"the demo service {what}; it said: {' / '.join(filter(None, self._last)) or '-'}"
