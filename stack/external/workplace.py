"""Where an engine of ours keeps its data while it runs.

Design rule: a folder goes with the process that made it. Where that was killed, whoever comes next
takes it away: the kernel has let go of its lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["workplace"]

_PREFIX = "alertproof-external-"
_LOCK = "lock"


@contextlib.contextmanager
def workplace(below: Path | None = None) -> Iterator[Path]:
    """Return a new folder, by default below the system's for temporary files, for the context."""
    room = below or Path(tempfile.gettempdir())
    _sweep(room)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=room) as name:
        folder = Path(name)
        new = folder / f"{_LOCK}.new"
        with new.open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            new.rename(folder / _LOCK)  # held before anybody who sweeps can find it
            yield folder


def _sweep(room: Path) -> None:
    for left in room.glob(f"{_PREFIX}*/{_LOCK}"):
        # Somebody else's is not ours to open, and one that goes at this moment is gone.
        with contextlib.suppress(OSError), left.open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left.parent, ignore_errors=True)
