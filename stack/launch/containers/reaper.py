"""Removes what a run made of the engine, once that run is gone: `python -m ... LABEL`.

Design rule: it waits for nothing but the end of its standard input, which comes when the run ends,
however it does; the label alone says what is removed.
"""

from __future__ import annotations

import sys

from docker.errors import DockerException

from stack.launch.containers.engine import EngineMissing, connect
from stack.launch.containers.removal import remove_all

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Wait for the end of standard input, remove what carries the label, and return 0."""
    (label,) = arguments
    sys.stdin.buffer.read()
    try:
        remove_all(connect(), label)
    except (EngineMissing, DockerException):  # what is gone, is gone; nobody is there to be told
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
