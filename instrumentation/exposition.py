"""Prometheus' text format, with the part of each line that never changes kept between scrapes.

The client's own `generate_latest` escapes and sorts every label at every scrape, which is most of
its cost. `_created` series are left out: nothing reads them, and each counter would have one.
"""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

_Key = tuple[str, tuple[tuple[str, str], ...]]


class Exposition:
    """Renders one registry. Series are never removed from it, so the kept parts are bounded."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._heads: dict[str, str] = {}
        self._series: dict[_Key, str] = {}

    def render(self) -> bytes:
        """Return the exposition, the same but for `_created` as the client library's own."""
        lines: list[str] = []
        for metric in self._registry.collect():
            lines.append(self._heads.get(metric.name) or self._head(metric))
            created = f"{metric.name}_created"
            for name, labels, value, *_ in metric.samples:
                if name == created:
                    continue
                key = (name, tuple(labels.items()))
                series = self._series.get(key) or self._write_series(key)
                number = floatToGoString(value)  # type: ignore[no-untyped-call]  # has no types
                lines.append(f"{series} {number}\n")
        return "".join(lines).encode()

    def _head(self, metric: Metric) -> str:
        """Have the client write the HELP and TYPE lines, from a copy without samples."""
        bare = Metric(metric.name, metric.documentation, metric.type)
        head = self._heads[metric.name] = generate_latest(_Only(bare)).decode()
        return head

    def _write_series(self, key: _Key) -> str:
        """Have the client write the series' name and labels, so that escaping stays its affair."""
        name, labels = key
        one = Metric(name, "", "unknown")
        one.samples.append(Sample(name, dict(labels), 0.0))
        line = generate_latest(_Only(one)).decode().splitlines()[2]
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
