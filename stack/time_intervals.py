"""Alertmanager's calendar: whether a named time interval holds at an instant, a pure function.

Design rule: what it says is what Alertmanager does (timeinterval/timeinterval.go, `ContainsTime`):
ranges of times include their start and not their end, all other ranges include both; what an
interval doesn't state holds always; a list of intervals holds when one of them does.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ruamel.yaml.comments import CommentedMap

from stack.yamlfile import ConfigurationError, key_line, line_of

__all__ = ["TimeInterval", "holds", "read_time_intervals"]

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = tuple(name.lower() for name in calendar.month_name)
_KEYS = {"times", "weekdays", "days_of_month", "months", "years", "location"}

Range = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeInterval:
    """One entry below `time_intervals:`. An empty field holds always.

    `times` are minutes since midnight, the end excluded; `weekdays` begin with Sunday as 0;
    `days_of_month` below zero count from the month's end, -1 being its last day.
    """

    times: tuple[Range, ...] = ()
    weekdays: tuple[Range, ...] = ()
    days_of_month: tuple[Range, ...] = ()
    months: tuple[Range, ...] = ()
    years: tuple[Range, ...] = ()
    location: tzinfo = UTC

    def holds(self, at: datetime) -> bool:
        """Tell whether the aware instant `at` is in it. Raises ValueError for a naive one."""
        if at.tzinfo is None:
            raise ValueError(f"{at!r} has no time zone, so it is no instant")
        local = at.astimezone(self.location)
        minute = local.hour * 60 + local.minute
        last = calendar.monthrange(local.year, local.month)[1]
        days = tuple((_day(a, last), _day(b, last)) for a, b in self.days_of_month)
        return (
            (not self.times or any(start <= minute < end for start, end in self.times))
            and _within(local.isoweekday() % 7, self.weekdays)
            and _within(local.day, days)
            and _within(local.month, self.months)
            and _within(local.year, self.years)
        )


def holds(intervals: tuple[TimeInterval, ...], at: datetime) -> bool:
    """Tell whether one of `intervals` holds at the aware instant `at`; none of none does."""
    return any(interval.holds(at) for interval in intervals)


def read_time_intervals(
    document: CommentedMap, source: str
) -> Mapping[str, tuple[TimeInterval, ...]]:
    """Read `time_intervals:` (and `mute_time_intervals:`, its older name) of a configuration.

    Raises ConfigurationError (`source:line: ...`) for what is no interval.
    """
    found: dict[str, tuple[TimeInterval, ...]] = {}
    for key in ("time_intervals", "mute_time_intervals"):
        for named in document.get(key) or ():
            name = str(named.get("name"))
            if name in found:
                raise ConfigurationError(
                    f"{source}:{line_of(named)}: time interval {name!r} is defined twice"
                )
            found[name] = tuple(_read(raw, source) for raw in named.get("time_intervals") or ())
    return found


def _read(raw: CommentedMap, source: str) -> TimeInterval:
    unknown = sorted(set(raw) - _KEYS)
    if unknown:
        raise ConfigurationError(
            f"{source}:{key_line(raw, unknown[0])}: a time interval has no `{unknown[0]}:`; "
            f"it has {', '.join(sorted(_KEYS))}"
        )
    key = "times"
    try:
        times = tuple(
            (_minute(each["start_time"]), _minute(each["end_time"])) for each in raw.get(key) or ()
        )
        key = "weekdays"
        weekdays = tuple(_ranges(raw.get(key), _DAYS))
        key = "days_of_month"
        days = tuple(_ranges(raw.get(key), ()))
        key = "months"
        months = tuple(_ranges(raw.get(key), _MONTHS))
        key = "years"
        years = tuple(_ranges(raw.get(key), ()))
        key = "location"
        location = _location(str(raw.get(key) or "UTC"))
    except (ValueError, KeyError, TypeError, ZoneInfoNotFoundError) as error:
        raise ConfigurationError(f"{source}:{key_line(raw, key)}: `{key}:` {error}") from error
    return TimeInterval(
        times=times,
        weekdays=weekdays,
        days_of_month=days,
        months=months,
        years=years,
        location=location,
    )


def _minute(value: Any) -> int:
    match = re.fullmatch(r"(\d\d):(\d\d)", str(value))
    minute = int(match[1]) * 60 + int(match[2]) if match else -1
    if match is None or int(match[2]) > 59 or minute > 24 * 60:
        raise ValueError(f"{value!r} is not a time from '00:00' to '24:00'")
    return minute


def _ranges(value: Any, names: tuple[str, ...]) -> Iterator[Range]:
    for each in value or ():
        start, _, end = str(each).partition(":")
        yield _number(start, names), _number(end or start, names)


def _number(text: str, names: tuple[str, ...]) -> int:
    word = text.strip().lower()
    return names.index(word) if word in names else int(word)


def _location(name: str) -> tzinfo:
    if name == "Local":
        raise ValueError("'Local' is wherever Alertmanager runs; name the time zone")
    return UTC if name == "UTC" else ZoneInfo(name)


def _day(day: int, last: int) -> int:
    return day if day > 0 else last + 1 + day


def _within(value: int, ranges: tuple[Range, ...]) -> bool:
    return not ranges or any(start <= value <= end for start, end in ranges)
