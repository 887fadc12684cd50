"""Removes what a run made of the engine, once that run is gone: `python -m ... LABEL`.

Design rule: it waits for nothing but the end of its standard input, which comes when the run ends,
however it does; the label alone says what is removed. It looks several times: what the engine was
asked for when the run was killed may still be on its way.
"""

from __future__ import annotations

import contextlib
import sys
import time

from docker.errors import DockerException

from stack.launch.containers.engine import EngineMissing, connect
from stack.launch.containers.group import RunGroup
from stack.launch.containers.removal import remove_all

__all__ = ["main"]

LOOKS = 4
PAUSE_SECONDS = 1.0


def main(arguments: list[str]) -> int:
    """Wait for the end of standard input, remove what carries the label, and return 0."""
    (label,) = arguments
    group = RunGroup(label.partition("=")[2])
    sys.stdin.buffer.read()
    try:
        client = connect()
    except EngineMissing:  # what is gone, is gone; nobody is there to be told
        with contextlib.suppress(OSError):
            group.remove()
        return 1
    for look in range(LOOKS):
        if look:
            time.sleep(PAUSE_SECONDS)
        with contextlib.suppress(DockerException):
            remove_all(client, label)
        with contextlib.suppress(OSError):  # one of its containers is not gone yet
            group.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
