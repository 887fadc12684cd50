"""The two pipes: commands in, events out, one JSON object a line.

One rule: the process lives exactly as long as the one who commands it; a closed pipe on either
side ends it at once, whatever is in flight.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping

import gevent.os

_READ_BYTES = 65536


class Events:
    """Standard output, kept for events alone: whatever else is printed goes to standard error."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._fd = os.dup(1)
        os.dup2(2, 1)

    def write(self, event: Mapping[str, object]) -> None:
        """Write one event; ends the process where nobody reads any more."""
        line = json.dumps(event, separators=(",", ":")).encode() + b"\n"
        try:
            while line:
                line = line[os.write(self._fd, line) :]
        except BrokenPipeError:
            leave(1)


def lines_of_stdin() -> Iterator[str]:
    """The lines of standard input as they come, while other greenlets run; ends when it does."""
    gevent.os.make_nonblocking(0)
    buffered = b""
    while chunk := gevent.os.nb_read(0, _READ_BYTES):
        *lines, buffered = (buffered + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in lines if line.strip())


def leave(status: int, *, last_words: Callable[[], None] | None = None) -> None:
    """End the process at once, without the runner's orderly stop, which waits for its users."""
    if last_words is not None:
        last_words()
    os._exit(status)
