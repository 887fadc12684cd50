"""The past, as a Prometheus gives it: in pieces, against deadlines, on one grid of moments.

One rule: what could not be read is an error with its reason, never a moment without data.
"""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Mapping
from dataclasses import dataclass

from stack.baseline.grid import Grid
from stack.clients import PrometheusClient, PrometheusError
from stack.clients.prometheus import Series

__all__ = ["History", "HistoryError", "Labels", "Signal"]

ATTEMPTS = 2
"""A query that failed is asked once more: a proxy's hiccup is not a week without a verdict."""

Labels = tuple[tuple[str, str], ...]
"""A series' labels without its name, in the order of their names."""


class HistoryError(RuntimeError):
    """The past could not be read: one line, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One series on a grid: `present` is 1 at each moment that has a sample, whose value is in
    `values`, which are NaN elsewhere.
    """

    present: bytearray
    values: array[float]


class History:
    """Reads one Prometheus.

    Args:
        client: whom to ask; its time-out is that of one query.
        deadline_seconds: patience with all queries together, from now on.
    """

    def __init__(self, client: PrometheusClient, *, deadline_seconds: float) -> None:
        self._client = client
        self._deadline_seconds = deadline_seconds
        self._ends_at = time.monotonic() + deadline_seconds
        self.queries = 0

    def read(self, promql: str, grid: Grid, *, series: int) -> Mapping[Labels, Signal]:
        """Evaluate `promql` at each moment of `grid`; `series` is how many it is expected to give.

        Raises HistoryError.
        """
        found: dict[Labels, Signal] = {}
        try:
            pieces = list(grid.pieces(series))
        except ValueError as error:
            raise HistoryError(str(error)) from error
        for piece in pieces:
            for one in self._ask(promql, piece):
                labels = tuple(sorted(item for item in one.labels.items() if item[0] != "__name__"))
                signal = found.get(labels)
                if signal is None:
                    signal = found[labels] = _empty(grid.count)
                for at, value in one.points:
                    number = grid.index(at)
                    signal.present[number] = 1
                    signal.values[number] = value
        return found

    def edges(self, buckets: str, grid: Grid) -> tuple[float, ...]:
        """Return the upper edges of a histogram's buckets, without infinity, in their order."""
        found = {
            float(dict(labels)["le"])
            for labels in self.read(
                f"group by (le) ({buckets})",
                Grid(start=grid.end, step_seconds=grid.step_seconds, count=1),
                series=1,
            )
        }
        return tuple(sorted(edge for edge in found if math.isfinite(edge)))

    def has_series(self, selector: str, grid: Grid) -> bool:
        """Tell whether a series that `selector` chooses has samples in the grid's time."""
        self._check_deadline()
        try:
            return self._client.has_series(selector, start=grid.start, end=grid.end)
        except PrometheusError as error:
            raise HistoryError(str(error)) from error

    def _ask(self, promql: str, piece: Grid) -> list[Series]:
        for attempt in range(1, ATTEMPTS + 1):
            self._check_deadline()
            self.queries += 1
            try:
                return self._client.query_range(
                    promql, start=piece.start, end=piece.end, step_seconds=piece.step_seconds
                )
            except PrometheusError as error:
                if attempt == ATTEMPTS:
                    raise HistoryError(" ".join(str(error).split())) from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _check_deadline(self) -> None:
        if time.monotonic() > self._ends_at:
            raise HistoryError(
                f"all queries together took longer than {self._deadline_seconds:g} s; "
                "ask for fewer days, or give --deadline-seconds"
            )


def _empty(count: int) -> Signal:
    return Signal(present=bytearray(count), values=array("d", [math.nan]) * count)
