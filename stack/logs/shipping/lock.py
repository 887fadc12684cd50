"""One shipper a state directory: a lock that the kernel frees however its holder ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["LOCK_FILE", "Taken", "locked"]

LOCK_FILE = "lock"


class Taken(RuntimeError):
    """Another shipper works with this state directory: one line that says which."""


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the lock of a state directory. Raises Taken, and OSError where it can't be made."""
    path = directory / LOCK_FILE
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            pid = file.read().strip() or "unknown"
            raise Taken(
                f"{directory} belongs to a shipper that runs (pid {pid}); end it, or give this one"
                " a --state-directory of its own"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
