"""A number of days on a command line, for every command that keeps or deletes by days."""

from __future__ import annotations

import argparse

__all__ = ["MOST_DAYS", "number_of_days"]

MOST_DAYS = 36_500
"""A hundred years: Elasticsearch's own durations end at 292, and dates somewhere too."""


def number_of_days(text: str) -> int:
    """Read a number of days, from one to `MOST_DAYS`."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of days; give at least 1 and at most {MOST_DAYS}"
        )
    return int(text)
