"""One index a day: named by the record's own time in UTC, so that midnight breaks nothing."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

__all__ = ["PATTERN", "PREFIX", "day_of", "index_of"]

PREFIX = "softfactory-logs-"
PATTERN = f"{PREFIX}*"
"""What the index template and every search name."""

_NAME = re.compile(rf"{PREFIX}(\d{{4}})\.(\d\d)\.(\d\d)")


def index_of(when: datetime) -> str:
    """Return the name of the index for a record of this time, which has a zone."""
    return f"{PREFIX}{when.astimezone(UTC):%Y.%m.%d}"


def day_of(index: str) -> date | None:
    """Return the day of an index with exactly such a name; None for any other index."""
    found = _NAME.fullmatch(index)
    if found is None:
        return None
    try:
        return date(*(int(part) for part in found.groups()))
    except ValueError:  # a 31st of February is none of ours
        return None
