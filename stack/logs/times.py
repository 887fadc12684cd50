"""Times as people give them on a command line: how long ago, or when.

Design rule: pure; what "now" is, is given.
"""

from __future__ import annotations

from datetime import UTC, datetime

from stack.durations import DurationError, parse_duration

__all__ = ["moment"]


def moment(text: str, *, now: datetime) -> datetime:
    """Return the time that `text` means: "15m" and "1d12h" are ago, the rest is ISO 8601.

    A time without a zone is UTC, as the logs are. Raises ValueError with both forms.
    """
    try:
        return now - parse_duration(text)
    except (DurationError, OverflowError):
        pass  # a time, then
    try:
        when = datetime.fromisoformat(text)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):  # beyond the calendar's ends, once in UTC
        raise ValueError(
            f"{text!r} is no time: write how long ago, such as 15m, 2h or 1d,"
            " or when, such as 2030-05-17T08:30:00Z"
        ) from None
