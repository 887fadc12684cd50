"""The moments of the past at which rules are evaluated again, and how many are asked for at once.

One rule: no answer holds more than `SAMPLES_AN_ANSWER` samples and no rule more than
`SAMPLES_A_RULE`; where a rule has too many series for that, its moments lie further apart, and the
grid says how far.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["POINTS_A_SERIES", "SAMPLES_AN_ANSWER", "SAMPLES_A_RULE", "Grid", "grid_of"]

POINTS_A_SERIES = 11_000
"""What Prometheus gives at most of a series in one range query (web/api/v1, `queryRange`)."""

SAMPLES_AN_ANSWER = 400_000
"""About 12 MB of JSON; a hundredth of what Prometheus itself allows (--query.max-samples)."""

SAMPLES_A_RULE = 4_000_000
"""Nine bytes each while a rule is judged: 100 series of a week every 15 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """`count` moments, `step_seconds` apart, the first at `start` (seconds since the epoch)."""

    start: int
    step_seconds: int
    count: int

    @property
    def end(self) -> int:
        """The last moment."""
        return self.start + (self.count - 1) * self.step_seconds

    @property
    def span_seconds(self) -> int:
        """The time that the moments stand for: each one for a step."""
        return self.count * self.step_seconds

    def index(self, at: float) -> int:
        """Return which moment `at` is, the nearest; it may lie outside."""
        return round((at - self.start) / self.step_seconds)

    def pieces(self, series: int) -> Iterator[Grid]:
        """Yield grids that follow each other, each small enough to be asked for at once.

        Raises ValueError for more series than an answer may hold at a single moment.
        """
        size = min(POINTS_A_SERIES, SAMPLES_AN_ANSWER // max(1, series))
        if size == 0:
            raise ValueError(
                f"{series} series at one moment are more than {SAMPLES_AN_ANSWER} samples; "
                "aggregate them in the rule"
            )
        for first in range(0, self.count, size):
            yield Grid(
                start=self.start + first * self.step_seconds,
                step_seconds=self.step_seconds,
                count=min(size, self.count - first),
            )

    def for_series(self, series: int) -> Grid:
        """Return this grid, or one of a whole multiple of its step that `series` series fit in."""
        times = max(1, math.ceil(series * self.count / SAMPLES_A_RULE))
        if times == 1:
            return self
        step = self.step_seconds * times
        return Grid(start=self.start, step_seconds=step, count=(self.count - 1) // times + 1)


def grid_of(*, end: float, span_seconds: float, step_seconds: float) -> Grid:
    """Return the moments of `span_seconds` up to `end`, at whole multiples of the step.

    Prometheus evaluates a range query at whole seconds here, so that the step is one at least.
    Raises ValueError for a span that is shorter than a step.
    """
    step = max(1, math.ceil(step_seconds))
    last = int(end) // step * step
    count = int(span_seconds) // step
    if count < 1:
        raise ValueError(f"a span of {span_seconds:g} s holds no step of {step} s")
    return Grid(start=last - (count - 1) * step, step_seconds=step, count=count)
