"""How far it has come, for whoever waits.

One rule: one line that changes on a terminal, and elsewhere a line now and then: a log stays short.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self, TextIO

__all__ = ["Progress"]

SECONDS_BETWEEN = 5.0
"""Between two lines where there is no terminal."""


class Progress:
    """A count of steps, on `out`.

    Args:
        who: what the line starts with.
        steps: how many there are.
        out: where it is written.
    """

    def __init__(self, who: str, steps: int, out: TextIO) -> None:
        self._who = who
        self._steps = steps
        self._out = out
        self._done = 0
        self._on_terminal = out.isatty()
        self._said_at = time.monotonic()

    def at(self, what: str) -> None:
        """Say that `what` begins."""
        line = f"{self._who}: {self._done} of {self._steps}, {what}"
        self._done += 1
        if self._on_terminal:
            self._out.write(f"\r\x1b[K{line}")
        elif time.monotonic() - self._said_at >= SECONDS_BETWEEN:
            self._said_at = time.monotonic()
            self._out.write(f"{line}\n")
        self._out.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._on_terminal:
            self._out.write("\r\x1b[K")
            self._out.flush()
