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

from instrumentation.direct import DirectReader, text
from instrumentation.exemplars import Exemplar, Exemplars
from instrumentation.registry import sources
from instrumentation.settings import check_labels

GZIP_LEVEL = 1
"""Four fifths of the bytes go at the first level; the others cost a scrape more than they save."""

_PLAIN = frozenset({"counter", "gauge", "histogram", "summary", "unknown", "untyped"})
_SPARE_SERIES = 1000

_Place = tuple[str, str, float]
"""Method, endpoint and upper edge."""

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
        newest = {
            histogram: {
                (method, endpoint, edge): exemplar
                for (method, endpoint), edges in kept.newest().items()
                for edge, exemplar in edges.items()
            }
            for histogram, kept in self._exemplars.items()
        }
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

    def of(
        self,
        registry: CollectorRegistry,
        exemplars: Mapping[str, Mapping[_Place, Exemplar]],
    ) -> list[str]:
        """Return the lines; exemplars are found by their histogram and their place in it."""
        lines: list[str] = []
        for source in sources(registry):
            if isinstance(source, MetricWrapperBase):
                if self._add_directly(source, exemplars, lines):
                    continue
                families = source.collect()
            else:
                families = [source]
            for metric in families:
                self._add(metric, exemplars, lines)
        if len(self._series) > 2 * len(lines) + _SPARE_SERIES:
            self._series.clear()  # a collector of the team's own has had many that are gone
        return lines

    def _add(
        self,
        metric: Metric,
        exemplars: Mapping[str, Mapping[_Place, Exemplar]],
        lines: list[str],
    ) -> None:
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
            if here and "le" in labels and (found := here.get(_place(labels))):
                number = f"{number} {_exemplar(found)}"
            lines.append(f"{self._named(name, labels)} {number}\n")

    def _add_directly(
        self,
        metric: MetricWrapperBase,
        exemplars: Mapping[str, Mapping[_Place, Exemplar]],
        lines: list[str],
    ) -> bool:
        """Add a metric of this process by its numbers alone; tell whether that could be done."""
        children = self._direct.children(metric)
        if children is None:
            return False
        (family,) = metric.describe()
        added = [self._heads.get((family.name, family.type)) or self._head(family)]
        here = exemplars.get(family.name)
        for child in children:
            total = 0.0
            for series, value, edge in child.buckets:
                if value.get_exemplar() is not None:
                    return False
                total += value.get()
                number = text(total)
                if here:
                    place = (child.labels["method"], child.labels["endpoint"], edge)
                    if found := here.get(place):
                        number = f"{number} {_exemplar(found)}"
                added.append(f"{series} {number}\n")
            if child.count_series is not None:
                added.append(f"{child.count_series} {text(total)}\n")
            for series, value in child.values:
                if value.get_exemplar() is not None:
                    return False
                added.append(f"{series} {text(value.get())}\n")
        lines += added
        return True

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


def _place(labels: Mapping[str, str]) -> _Place:
    return labels["method"], labels["endpoint"], float(labels["le"])


def _exemplar(exemplar: Exemplar) -> str:
    return f'# {{trace_id="{exemplar.trace_id}"}} {exemplar.value:.3f} {exemplar.at:.3f}'
