"""The numbers of one process's own metrics, read without the objects that the client makes of them.

The client library builds a sample for each line of each scrape, which is most of a scrape's cost.
Here what names a line is kept, a scrape only reads, and it writes what changed since the last one.
What has more to it than names and numbers (functions, exemplars of the team's own, kinds unknown
here) is left to the client.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

from prometheus_client import Counter, Gauge, Histogram, Summary
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.utils import floatToGoString
from prometheus_client.values import MutexValue

from instrumentation.exemplars import Exemplar

Labels = dict[str, str]
WriteSeries = Callable[[str, Labels], str]
"""Gives the text of a line before its number, for a sample's name and labels."""

_KINDS = (Counter, Gauge, Histogram, Summary)
_NUMBER, _EXEMPLAR = attrgetter("_value"), attrgetter("_exemplar")
"""What a value's `get` and `get_exemplar` return, and take its lock for, which one reading of an
attribute has no need of: a hundred values would take it two hundred times."""

_PLAINLY_BELOW = 1e6
"""From here on the client writes numbers with an exponent."""


class _Written(NamedTuple):
    """A child's lines, and what they were written from."""

    numbers: list[float]
    exemplars: Mapping[float, Exemplar] | None
    lines: str


_NEVER = _Written([], None, "")


class Child:
    """One child of a metric, such as the counter of one endpoint; it has a line at least.

    `buckets` are a histogram's (series, value, upper edge), whose sum is the count; `values` are
    what else it has, each of a series of its own.
    """

    __slots__ = ("_buckets", "_count_series", "_last", "_sources", "_values", "labels", "size")

    def __init__(
        self,
        labels: Labels,
        *,
        values: list[tuple[str, Any]],
        buckets: list[tuple[str, Any, float]] | None = None,
        count_series: str | None = None,
    ) -> None:
        self.labels = labels
        self._buckets = [(series, edge) for series, _, edge in buckets or ()]
        self._count_series = count_series
        self._values = [series for series, _ in values]
        self._sources = [*(value for _, value, _ in buckets or ()), *(value for _, value in values)]
        self._last = _NEVER
        self.size = len(self._sources) + (count_series is not None)

    @property
    def can_be_read(self) -> bool:
        """Whether its values are of the kind that is known here."""
        return all(
            type(source) is MutexValue and vars(source).keys() >= {"_value", "_exemplar"}
            for source in self._sources
        )

    def lines(self, exemplars: Mapping[float, Exemplar] | None) -> str | None:
        """Return the child's lines, or None where the client has to write them.

        `exemplars` are found by the upper edge of their bucket.
        """
        if any(map(_EXEMPLAR, self._sources)):
            return None
        numbers = list(map(_NUMBER, self._sources))
        last = self._last
        if numbers == last.numbers and exemplars == last.exemplars:
            return last.lines
        lines = self._write(numbers, exemplars or {})
        self._last = _Written(numbers, exemplars, lines)
        return lines

    def _write(self, numbers: list[float], exemplars: Mapping[float, Exemplar]) -> str:
        written = []
        total = 0.0
        for (series, edge), number in zip(self._buckets, numbers, strict=False):
            total += number
            found = exemplars.get(edge)
            mark = "" if found is None else f" {exemplar_text(found)}"
            written.append(f"{series} {text(total)}{mark}\n")
        if self._count_series is not None:
            written.append(f"{self._count_series} {text(total)}\n")
        others = numbers[len(self._buckets) :]
        for series, number in zip(self._values, others, strict=True):
            written.append(f"{series} {text(number)}\n")
        return "".join(written)


class Plan(NamedTuple):
    """How to read a metric that has the children `present`, whose lines are `size` in number."""

    present: list[Any]
    children: list[Child]
    size: int


class DirectReader:
    """Reads metrics for one format; `write_series` names a series once."""

    def __init__(self, write_series: WriteSeries) -> None:
        self._write_series = write_series
        self._plans: dict[MetricWrapperBase, Plan] = {}

    def plan(self, metric: MetricWrapperBase) -> "Plan | None":
        """Return the metric's children, or None where the client has to be asked."""
        if type(metric) not in _KINDS:
            return None
        present = list(metric._metrics.values()) if metric._labelnames else [metric]
        known = self._plans.get(metric)
        if known is not None and known.present == present:
            return known
        if any("_child_samples" in vars(child) for child in present):
            return None  # a gauge that calls a function
        names = metric._labelnames
        children = [self._child(metric, child, names) for child in present]
        if not all(child.can_be_read for child in children):
            return None
        size = sum(child.size for child in children)
        plan = self._plans[metric] = Plan(present=present, children=children, size=size)
        return plan

    def _child(self, metric: MetricWrapperBase, child: Any, names: tuple[str, ...]) -> Child:
        labels = dict(zip(names, child._labelvalues, strict=True)) if names else {}
        name = metric._name

        def series(suffix: str, **more: str) -> str:
            return self._write_series(f"{name}{suffix}", {**labels, **more})

        if isinstance(child, Histogram):
            edges = [text(edge) for edge in child._upper_bounds]
            buckets = self._write_buckets(f"{name}_bucket", labels, edges)
            return Child(
                labels,
                buckets=list(zip(buckets, child._buckets, child._upper_bounds, strict=True)),
                count_series=series("_count"),
                values=[(series("_sum"), child._sum)],
            )
        if isinstance(child, Summary):
            values = [(series("_count"), child._count), (series("_sum"), child._sum)]
        else:
            suffix = "_total" if isinstance(child, Counter) else ""
            values = [(series(suffix), child._value)]
        return Child(labels, values=values)

    def _write_buckets(self, name: str, labels: Labels, edges: list[str]) -> list[str]:
        """Name a histogram's buckets, of which the client writes one; only the edges differ."""
        first = self._write_series(name, {**labels, "le": edges[0]})
        before, found, after = first.partition(f'le="{edges[0]}"')
        if f'le="{edges[0]}"' in after or not found:  # a label ends in "le", or quotes it
            return [self._write_series(name, {**labels, "le": edge}) for edge in edges]
        return [f'{before}le="{edge}"{after}' for edge in edges]


def exemplar_text(exemplar: Exemplar) -> str:
    """Write what follows a bucket's number in OpenMetrics."""
    return f'# {{trace_id="{exemplar.trace_id}"}} {exemplar.value:.3f} {exemplar.at:.3f}'


def text(number: float) -> str:
    """Write a number as the client does."""
    if -_PLAINLY_BELOW < number < _PLAINLY_BELOW:
        return repr(float(number))
    return floatToGoString(number)  # type: ignore[no-untyped-call,no-any-return]  # has no types
