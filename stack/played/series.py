"""One series that is played into a Prometheus: what it is while all is well, and while it is not.

Design rule: plain numbers, so that whoever reads the file that holds them can see what was played.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from stack.selectors import quoted

__all__ = ["UP", "Kind", "Series", "read_series", "write_series"]

Kind = Literal["gauge", "counter", "age"]
"""A gauge has its value, a counter grows by it each second, an age is a time so long ago."""

UP = "up"
"""The series that Prometheus makes itself: played at 0 by refusing the scrape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series. `well` and `broken` are None where there is no such series then.

    `per` is a window in production's seconds: the counter grows by its value in each of those.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    kind: Kind = "gauge"
    well: float | None
    broken: float | None
    per: float | None = None

    @property
    def text(self) -> str:
        """The series as PromQL selects it, and as an exposition names it."""
        labels = ",".join(f"{name}={quoted(value)}" for name, value in self.labels.items())
        return f"{self.name}{{{labels}}}" if labels else self.name


def write_series(series: Sequence[Series]) -> str:
    """Return the content of a file that `read_series` understands."""
    return json.dumps([asdict(one) for one in series], indent=1)


def read_series(text: str) -> tuple[Series, ...]:
    """Read what `write_series` wrote."""
    return tuple(Series(**one) for one in json.loads(text))
