"""The log layer counts in plain numbers; whoever keeps metrics binds two functions to them.

Levels and reasons are fixed sets, so that every series can exist at zero from the start.
"""

import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

LEVELS = ("debug", "info", "warning", "error", "critical")
"""What records are counted by; a level of the team's own counts as the next lower of these."""

REASONS = ("queue_full", "write_failed", "format_failed", "shutdown")
"""Why a record is lost: more waited than may wait; the file could not be written; no line could
be made of it; the process ended while writing was stuck."""

_BY_TENS = ("debug", *LEVELS)
BY_NUMBER = {10 * (place + 1): level for place, level in enumerate(LEVELS)}
"""What the usual levels are counted by; `counted_as` knows the others as well."""

_EXTENSION = "instrumentation.log_counts"

Add = Callable[[str, int], None]


class LogCounts:
    """How many records of one application were made, by level, and lost, by reason."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal's handler may log while its thread counts
        self.levels = dict.fromkeys(LEVELS, 0)
        self.lost = dict.fromkeys(REASONS, 0)
        self._told = dict.fromkeys((*LEVELS, *REASONS), 0)
        self._count_level: Add | None = None
        self._count_lost: Add | None = None

    def bind(self, count_level: Add, count_lost: Add) -> None:
        """Hand over what was counted so far, and from now on, as `(level or reason, number)`."""
        with self._lock:
            self._count_level, self._count_lost = count_level, count_lost
        self.publish()

    def made(self, numbers: Mapping[str, int]) -> None:
        """Count records, so many of each level."""
        with self._lock:
            for level, number in numbers.items():
                if number:
                    self.levels[level] += number

    def lose(self, reason: str, number: int = 1) -> None:
        """Count lost records, and say so at once: whoever publishes later may be stuck."""
        with self._lock:
            self.lost[reason] += number
        self.publish()

    def publish(self) -> None:
        """Tell the bound functions what they do not know yet; the writer does so by itself."""
        with self._lock:
            if self._count_level is None or self._count_lost is None:
                return
            for counts, tell in ((self.levels, self._count_level), (self.lost, self._count_lost)):
                for name, number in counts.items():
                    more = number - self._told[name]
                    if more:
                        self._told[name] = number
                        try:
                            tell(name, more)
                        except Exception as error:  # noqa: BLE001  # of metrics; the log goes on
                            self._count_level = self._count_lost = None
                            say(f"log records are counted no more: {error!r}")
                            return

    def forget(self) -> None:
        """Begin at zero: a forked child counts what is its own."""
        self._lock = threading.RLock()
        for counts in (self.levels, self.lost, self._told):
            counts.update(dict.fromkeys(counts, 0))


def say(text: str) -> None:
    """Tell on standard error, where there is one, what the log itself cannot hold."""
    try:
        sys.stderr.write(f"{text}\n")
    except (AttributeError, OSError, ValueError):  # none, a broken one, a closed one
        return


def counted_as(level_number: int) -> str:
    """Return the level that a record of that number is counted by."""
    known = BY_NUMBER.get(level_number)
    return known or _BY_TENS[min(max(level_number, 0) // 10, len(_BY_TENS) - 1)]


def log_counts(app: "Flask") -> LogCounts:
    """Return the counts of an application, which outlive a change of its log file."""
    counts: LogCounts = app.extensions.setdefault(_EXTENSION, LogCounts())
    return counts
