"""The numbers of one process's own metrics, read without the objects that the client makes of them.

The client library builds a sample for each line of each scrape, which is most of a scrape's cost.
Here what names a line is kept, and a scrape only reads. What has more to it than names and numbers
(functions, exemplars of the team's own, kinds unknown here) is left to the client.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from prometheus_client import Counter, Gauge, Histogram, Summary
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.utils import floatToGoString

Labels = dict[str, str]
WriteSeries = Callable[[str, Labels], str]
"""Gives the text of a line before its number, for a sample's name and labels."""

_KINDS = (Counter, Gauge, Histogram, Summary)
_PLAINLY_BELOW = 1e6
"""From here on the client writes numbers with an exponent."""


class _Child(NamedTuple):
    """One child: its histogram buckets (series, value, edge), then its single values."""

    buckets: list[tuple[str, Any, float]]
    count_series: str | None
    values: list[tuple[str, Any]]
    labels: Labels


class DirectReader:
    """Reads metrics for one format; `write_series` names a series once."""

    def __init__(self, write_series: WriteSeries) -> None:
        self._write_series = write_series
        self._plans: dict[MetricWrapperBase, tuple[list[Any], list[_Child]]] = {}

    def children(self, metric: MetricWrapperBase) -> list[_Child] | None:
        """Return the metric's children, or None where the client has to be asked."""
        if type(metric) not in _KINDS:
            return None
        present = list(metric._metrics.values()) if metric._labelnames else [metric]
        known = self._plans.get(metric)
        if known is not None and known[0] == present:
            return known[1]
        if any("_child_samples" in vars(child) for child in present):
            return None  # a gauge that calls a function
        names = metric._labelnames
        planned = [self._plan(metric, child, names) for child in present]
        self._plans[metric] = (present, planned)
        return planned

    def _plan(self, metric: MetricWrapperBase, child: Any, names: tuple[str, ...]) -> _Child:
        labels = dict(zip(names, child._labelvalues, strict=True)) if names else {}
        name = metric._name

        def series(suffix: str, **more: str) -> str:
            return self._write_series(f"{name}{suffix}", {**labels, **more})

        if isinstance(child, Histogram):
            edges = zip(child._upper_bounds, child._buckets, strict=True)
            return _Child(
                buckets=[(series("_bucket", le=text(edge)), value, edge) for edge, value in edges],
                count_series=series("_count"),
                values=[(series("_sum"), child._sum)],
                labels=labels,
            )
        if isinstance(child, Summary):
            values = [(series("_count"), child._count), (series("_sum"), child._sum)]
        else:
            suffix = "_total" if isinstance(child, Counter) else ""
            values = [(series(suffix), child._value)]
        return _Child(buckets=[], count_series=None, values=values, labels=labels)


def text(number: float) -> str:
    """Write a number as the client does."""
    if -_PLAINLY_BELOW < number < _PLAINLY_BELOW:
        return repr(float(number))
    return floatToGoString(number)  # type: ignore[no-untyped-call,no-any-return]  # has no types
