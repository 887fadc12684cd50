"""Lets large runs on one machine take turns, so that each has the processor its bounds assume.

One rule: the lock is one that the kernel takes back when its holder ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.launch.starting import LaunchError
from stack.waiting import wait_until

DRILLS_PER_CORE = 2
"""A run with more drills than this for each core takes turns with every other run; smaller ones
share. Sixteen drills use 1.2 cores (``nox -s bench``), so two such runs don't fit on two cores."""

UNSCALED = 10.0
"""Below this time scale a run's bounds are so long that a busy machine does not matter."""

WAIT_SECONDS = 900.0
"""How long a run waits for its turn; a whole one takes three to five minutes."""


@contextmanager
def admitted(
    drills: int, time_scale: float, *, lock: Path, cores: int, say: Callable[[str], None]
) -> Iterator[None]:
    """Wait for this run's turn, and hold it until the context ends.

    Raises:
        LaunchError: the lock can't be made.
        WaitTimeout: another run has held the machine for all of ``WAIT_SECONDS``.
    """
    if time_scale < UNSCALED:
        yield
        return
    wanted = fcntl.LOCK_EX if drills > DRILLS_PER_CORE * cores else fcntl.LOCK_SH
    with os.fdopen(_opened(lock)) as file:

        def turn() -> bool:
            try:
                fcntl.flock(file, wanted | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        if not turn():
            say(f"another run is drilling on this machine; waiting for it to end ({lock})")
            wait_until(
                turn,
                what=f"the other run to end; look: fuser -v {lock}",
                timeout_seconds=WAIT_SECONDS,
                interval_seconds=0.1,
            )
        yield


def _opened(lock: Path) -> int:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LaunchError(
            f"{lock}, by which runs take turns, can't be made: {error.strerror}; name a folder"
            " that this user may write: ALERTPROOF_CACHE=FOLDER"
        ) from error
