"""Prometheus' text format and OpenMetrics, with the part of each line that never changes kept.

The client's own `generate_latest` escapes and sorts every label at every scrape, which is most of
its cost. `_created` series are left out: nothing reads them, and each counter would have one.
"""

import gzip
from collections.abc import Callable, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.samples import Sample

from instrumentation.direct import DirectReader, exemplar_text, text
from instrumentation.exemplars import Exemplar, Exemplars, Series
from instrumentation.registry import sources
from instrumentation.settings import check_labels

GZIP_LEVEL = 1
"""Four fifths of the bytes go at the first level; the others cost a scrape more than they save."""

_PLAIN = frozenset({"counter", "gauge", "histogram", "summary", "unknown", "untyped"})
_SPARE_SERIES = 1000

_Newest = Mapping[Series, Mapping[float, Exemplar]]
"""Exemplars by their series, then by the upper edge of their bucket."""

_Key = tuple[str, tuple[tuple[str, str], ...]]


class Exposed(NamedTuple):
    """The answer to one scrape."""

    body: bytes
    headers: Mapping[str, str]


class Exposition:
    """Renders one registry.

    `exemplars` are found by the name of their histogram. `constant_labels` stand on every series; a
    metric's own label of that name wins. Raises SettingsError for one that can't stand there.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        constant_labels: Mapping[str, str] | None = None,
        exemplars: Mapping[str, Exemplars] | None = None,
    ) -> None:
        constant_labels = constant_labels or {}
        check_labels("constant_labels", constant_labels)
        self._registry = registry
        self._exemplars = exemplars or {}
        self._text = _Lines(generate_latest, constant_labels)
        self._open = _Lines(openmetrics.generate_latest, constant_labels)

    def families(self) -> list[Metric]:
        """Return everything that is exposed, as the client library's objects."""
        return list(self._registry.collect())

    def respond(self, accept: str, accept_encoding: str) -> Exposed:
        """Answer a scrape by its `Accept` and `Accept-Encoding` headers.

        OpenMetrics, with exemplars, where it is asked for; else the text format.
        """
        try:
            _, content_type = choose_encoder(accept)
        except (ValueError, TypeError):  # a version that is none: as if no format were named
            _, content_type = choose_encoder("")
        is_open = content_type.startswith("application/openmetrics-text")
        body = self.render(is_openmetrics=is_open)
        headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        if gzip_accepted(accept_encoding):
            body = gzip.compress(body, GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return Exposed(body=body, headers=headers)

    def render(self, *, is_openmetrics: bool = False) -> bytes:
        """Return the exposition, the same but for `_created` as the client library's own."""
        if not is_openmetrics:
            return "".join(self._text.of(self._registry, {})).encode()
        newest = {histogram: kept.newest() for histogram, kept in self._exemplars.items()}
        lines = self._open.of(self._registry, newest)
        lines.append("# EOF\n")
        return "".join(lines).encode()


class _Lines:
    """One format's lines: the client library writes each head and each series' name once."""

    def __init__(self, write: Callable[..., bytes], constant_labels: Mapping[str, str]) -> None:
        self._write = write
        self._constant_labels = constant_labels
        self._heads: dict[tuple[str, str], str] = {}
        self._series: dict[_Key, str] = {}
        self._direct = DirectReader(self._named)

    def of(self, registry: CollectorRegistry, exemplars: Mapping[str, _Newest]) -> list[str]:
        """Return the text in pieces; exemplars are found by the name of their histogram."""
        lines: list[str] = []
        read_directly = 0
        for source in sources(registry):
            if isinstance(source, Metric):
                self._add(source, exemplars, lines)
                continue
            added = self._add_directly(source, exemplars, lines)
            if added is not None:
                read_directly += added
                continue
            for metric in source.collect():
                self._add(metric, exemplars, lines)
        if len(self._series) > 2 * (len(lines) + read_directly) + _SPARE_SERIES:
            self._series.clear()  # a collector of the team's own has had many that are gone
        return lines

    def _add(self, metric: Metric, exemplars: Mapping[str, _Newest], lines: list[str]) -> None:
        if _is_special(metric):
            lines.append(self._whole(metric))
            return
        lines.append(self._heads.get((metric.name, metric.type)) or self._head(metric))
        created = f"{metric.name}_created"
        here = exemplars.get(metric.name)
        for name, labels, value, *_ in metric.samples:
            if name == created:
                continue
            number = text(value)
            if here and "le" in labels and (found := _at(here, labels)):
                number = f"{number} {exemplar_text(found)}"
            lines.append(f"{self._named(name, labels)} {number}\n")

    def _add_directly(
        self, metric: MetricWrapperBase, exemplars: Mapping[str, _Newest], lines: list[str]
    ) -> int | None:
        """Add a metric of this process by its numbers alone; None where that can't be done.

        Returns how many series it has.
        """
        plan = self._direct.plan(metric)
        if plan is None:
            return None
        added = [self._heads.get((metric._name, str(metric._type))) or self._head_of(metric)]
        here = exemplars.get(metric._name)
        for child in plan.children:
            written = child.lines(here.get(_series_of(child.labels)) if here else None)
            if written is None:
                return None
            added.append(written)
        lines += added
        return plan.size

    def _head_of(self, metric: MetricWrapperBase) -> str:
        (family,) = metric.describe()
        return self._head(family)

    def _named(self, name: str, labels: Mapping[str, str]) -> str:
        key = (name, tuple(labels.items()))
        return self._series.get(key) or self._write_series(key)

    def _whole(self, metric: Metric) -> str:
        """Have the client write a family that holds more than names and numbers."""
        labelled = Metric(metric.name, metric.documentation, metric.type, metric.unit)
        labelled.samples = [
            sample._replace(labels={**self._constant_labels, **sample.labels})
            for sample in metric.samples
            if sample.name != f"{metric.name}_created"
        ]
        return self._write(_Only(labelled)).decode().removesuffix("# EOF\n")

    def _head(self, metric: Metric) -> str:
        """Have the client write the lines before the samples, from a copy without any."""
        bare = Metric(metric.name, metric.documentation, metric.type, metric.unit)
        head = self._write(_Only(bare)).decode().removesuffix("# EOF\n")
        self._heads[metric.name, metric.type] = head
        return head

    def _write_series(self, key: _Key) -> str:
        """Have the client write the series' name and labels, so that escaping stays its affair."""
        name, labels = key
        one = Metric(name, "", "unknown")
        one.samples.append(Sample(name, {**self._constant_labels, **dict(labels)}, 0.0))
        # Not splitlines(): a label's value may hold what that takes for the end of a line.
        lines = self._write(_Only(one)).decode().split("\n")
        line = next(line for line in lines if not line.startswith("#"))
        series = self._series[key] = line.rpartition(" ")[0]
        return series


class _Only(CollectorRegistry):
    """A registry of one family, to be rendered once."""

    def __init__(self, metric: Metric) -> None:
        super().__init__()
        self._metric = metric

    def collect(self) -> list[Metric]:
        """Return the family."""
        return [self._metric]


def _is_special(metric: Metric) -> bool:
    """Tell whether a family's samples have timestamps or exemplars, or a form of their own."""
    return metric.type not in _PLAIN or any(
        sample.timestamp is not None or sample.exemplar is not None for sample in metric.samples
    )


def _series_of(labels: Mapping[str, str]) -> Series:
    return labels["method"], labels["endpoint"]


def _at(newest: _Newest, labels: Mapping[str, str]) -> Exemplar | None:
    """Find the exemplar of one bucket by its labels."""
    edges = newest.get(_series_of(labels))
    return edges.get(float(labels["le"])) if edges else None
