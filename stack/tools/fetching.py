"""What every way to fetch tools has in common: its place in the cache, its obstacle, its work.

Design rule: a source says beforehand, cheaply and in one line, why it cannot serve on this
machine; only one that can is asked to fetch.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from stack.processes import ProcessError, dying_with

__all__ = ["FetchFailed", "Report", "Source", "run"]

Report = Callable[[str], None]

TIMEOUT_SECONDS = 600.0
"""For one command of a fetch. Debian's take 2 s on a fast network; Go's build took 80 s."""


class FetchFailed(RuntimeError):
    """A source could not deliver: one line with the cause."""


class Source(Protocol):
    """One way to get tools into the cache."""

    @property
    def installation(self) -> str:
        """The name of the cache's directory for what this source delivers."""

    @property
    def provides(self) -> frozenset[str]:
        """Which tools it delivers."""

    def obstacle(self) -> str | None:
        """Return why it cannot serve here, in one line, or None."""

    def fetch(self, directory: Path, report: Report) -> None:
        """Fill an empty directory and write its manifest. Raises `FetchFailed` or OSError."""


def run(argv: Sequence[str], *, directory: Path, env: Mapping[str, str] | None = None) -> str:
    """Run one command of a fetch, which dies with this process, and return what it printed.

    Its messages are not translated. Raises `FetchFailed` with its last line of complaint.
    """
    try:
        done = subprocess.run(
            dying_with(os.getpid(), argv),
            cwd=directory,
            env={**os.environ, **(env or {}), "LC_ALL": "C.UTF-8", "LANGUAGE": ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchFailed(f"{argv[0]} did not end within {TIMEOUT_SECONDS:.0f} s") from error
    except ProcessError as error:
        raise FetchFailed(str(error)) from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        complaints = [line for line in lines if line.startswith(("E:", "Err:"))] or lines
        last = complaints[-1].strip() if complaints else f"status {done.returncode}"
        raise FetchFailed(f"{' '.join(argv[:2])} failed: {last}")
    return done.stdout
