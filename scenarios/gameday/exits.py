"""What a game day came to, and what can't be asked of it.

One rule: the command line documents each of these.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a game day came to."""

    AS_DECLARED = 0
    OTHERWISE = 1
    DECLINED = 2
    CANNOT_START = 3
    USAGE = 4
    STOPPED = 5


class UsageError(ValueError):
    """What was asked for can't be done: one line, with what is known."""
