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

    Its messages are not translated. Raises `FetchFailed` with the line that tells the cause.
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
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        # apt gives the cause first and sums up last; others give the cause last.
        causes = [line for line in lines if line.startswith("E:")] or lines[-1:]
        raise FetchFailed(f"{argv[0]} failed: {causes[0] if causes else done.returncode}")
    return done.stdout
