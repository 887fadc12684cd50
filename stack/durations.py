"""Prometheus durations and timedeltas convert both ways without loss, or not at all."""

from __future__ import annotations

import re
from datetime import timedelta

__all__ = ["MILLISECOND", "DurationError", "divide", "format_duration", "parse_duration"]

MILLISECOND = timedelta(milliseconds=1)
"""The resolution of every duration in Prometheus and Alertmanager (`model.Duration`)."""

# The grammar of `model.ParseDuration` (prometheus/common): each unit at most once, largest first.
_GRAMMAR = re.compile(
    r"(?:(?P<y>\d+)y)?(?:(?P<w>\d+)w)?(?:(?P<d>\d+)d)?"
    r"(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s)?(?:(?P<ms>\d+)ms)?",
    re.ASCII,
)
_UNITS: dict[str, timedelta] = {
    "y": timedelta(days=365),
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": MILLISECOND,
}


class DurationError(ValueError):
    """A text is not a Prometheus duration, or a timedelta can't be written as one."""


def parse_duration(text: str) -> timedelta:
    """Return the duration that `text` means ("1h30m", "250ms", "1d", "0").

    A year has 365 days, as in Prometheus. Raises DurationError naming the text.
    """
    if text == "0":
        return timedelta(0)
    match = _GRAMMAR.fullmatch(text)
    if match is None or not text:
        raise DurationError(
            f"{text!r} is not a Prometheus duration; write units from y w d h m s ms, "
            'largest first, such as "1h30m" or "250ms"'
        )
    try:
        return sum(
            (int(count) * _UNITS[unit] for unit, count in match.groupdict().items() if count),
            timedelta(0),
        )
    except OverflowError as error:
        raise DurationError(f"{text!r} is longer than a duration can be") from error


def format_duration(duration: timedelta) -> str:
    """Write `duration` so that Prometheus, Alertmanager and `parse_duration` read it back exactly.

    Years and weeks are never written. Raises DurationError for a negative duration
    and for one that is not a whole number of milliseconds.
    """
    if duration < timedelta(0):
        raise DurationError(f"{duration!r} is negative; Prometheus has no negative durations")
    rest, below = divmod(duration, MILLISECOND)
    if below:
        raise DurationError(f"{duration!r} is not a whole number of milliseconds")
    if not rest:
        return "0s"
    parts: list[str] = []
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, _UNITS[unit] // MILLISECOND)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def divide(duration: timedelta, k: float) -> timedelta:
    """Return `duration / k`, rounded to the nearest millisecond; zero alone gives zero.

    A positive duration never becomes zero, for zero means "off" in most settings.
    """
    if not duration:
        return duration
    milliseconds = round((abs(duration) / k) / MILLISECOND)
    magnitude = max(milliseconds, 1) * MILLISECOND
    return magnitude if duration > timedelta(0) else -magnitude
