"""An application's own metrics under the names that the rules read.

One rule: they are renamed where Prometheus takes them in, by plain ``metric_relabel_configs`` that
a team's own Prometheus can have as they are; a number is never changed, but for the edge that
names a bucket.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

REQUESTS = "softfactory_requests_total"
LATENCY = "softfactory_request_latency_ms"

MILLISECONDS = {"seconds": 1000.0, "milliseconds": 1.0}
"""How many milliseconds each unit has."""

_BUCKET_EDGE = re.compile(r'[{,]le="(?P<edge>[^"]+)"')


class MappingError(ValueError):
    """The mapping names what the application does not expose; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsMapping:
    """Which of an application's own metrics mean what the rules ask for.

    Attributes:
        path: where they are scraped.
        requests: the counter of requests; "" where there is none.
        latency: the histogram of latencies; "" where there is none.
        latency_unit: its unit; "" takes it from the name's end.
        labels: of both, the label that means ``method``, ``endpoint`` or ``status``.
    """

    path: str
    requests: str = ""
    latency: str = ""
    latency_unit: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """The unit of the latencies: as said, else milliseconds where the name ends so."""
        if self.latency_unit:
            return self.latency_unit
        return "milliseconds" if self.latency.endswith(("_ms", "_milliseconds")) else "seconds"


def names_of(exposition: str) -> frozenset[str]:
    """Return the names of all series in a text exposition, and of the metrics it declares."""
    names = set()
    for line in exposition.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind, *_ = [*line.split(), ""]
            names.add(name)
            if kind == "histogram":
                names |= {f"{name}_bucket", f"{name}_count", f"{name}_sum"}
        elif line and not line.startswith("#"):
            names.add(re.split(r"[{\s]", line, maxsplit=1)[0])
    return frozenset(names)


def edges_of(exposition: str, histogram: str) -> tuple[str, ...]:
    """Return the upper edges of a histogram's buckets as they are written, the largest first.

    A histogram without observations and without children has none.
    """
    found = {
        match["edge"]
        for line in exposition.splitlines()
        if line.startswith(f"{histogram}_bucket{{") and (match := _BUCKET_EDGE.search(line))
    }
    return tuple(sorted(found - {"+Inf"}, key=float, reverse=True))


def mapped_names(mapping: MetricsMapping, exposition: str) -> frozenset[str]:
    """Return what the rules find once the metrics are renamed.

    Raises:
        MappingError: the mapping names a metric that is not there; it lists those that are.
    """
    there = names_of(exposition)
    found = set(there)
    for key, name, needed in (
        ("requests", mapping.requests, mapping.requests),
        ("latency", mapping.latency, f"{mapping.latency}_bucket"),
    ):
        if not name:
            continue
        if needed not in there and needed.removesuffix("_total") not in there:
            known = ", ".join(sorted(one for one in there if one.endswith(("_total", "_bucket"))))
            raise MappingError(
                f"metrics.{key}: {mapping.path} exposes no {needed!r}; it has {known or 'nothing'}"
            )
    if mapping.requests:
        found.add(REQUESTS)
    if mapping.latency:
        found |= {f"{LATENCY}_bucket", f"{LATENCY}_count"}
    return frozenset(found)


def relabelling(mapping: MetricsMapping, edges: Sequence[str]) -> tuple[Mapping[str, object], ...]:
    """Return the ``metric_relabel_configs`` that rename what is mapped.

    ``edges`` are those of the histogram's buckets as they are written, the largest first: in that
    order no edge that was rewritten is taken for another one's.
    """
    steps: list[Mapping[str, object]] = []
    mapped = [re.escape(mapping.requests)] if mapping.requests else []
    mapped += [f"{re.escape(mapping.latency)}_(?:bucket|count)"] if mapping.latency else []
    for ours, theirs in mapping.labels.items():
        if ours != theirs:
            steps.append(
                {
                    "source_labels": ["__name__", theirs],
                    "regex": f"(?:{'|'.join(mapped)});(.+)",
                    "target_label": ours,
                    "replacement": "$1",
                }
            )
    factor = MILLISECONDS[mapping.unit]
    steps += [
        {
            "source_labels": ["__name__", "le"],
            "regex": f"{re.escape(mapping.latency)}_bucket;{_spellings(edge)}",
            "target_label": "le",
            "replacement": f"{float(edge) * factor:g}",
        }
        for edge in (edges if mapping.latency and factor != 1 else ())
    ]
    if mapping.requests:
        steps.append(_renamed(re.escape(mapping.requests), REQUESTS))
    if mapping.latency:
        steps.append(_renamed(f"{re.escape(mapping.latency)}_(bucket|count)", f"{LATENCY}_$1"))
    return tuple(steps)


def _spellings(edge: str) -> str:
    """Return what matches an edge as it is written, and as Prometheus 3 writes it anew."""
    return f"(?:{'|'.join(re.escape(one) for one in dict.fromkeys((edge, str(float(edge)))))})"


def _renamed(regex: str, name: str) -> Mapping[str, object]:
    return {
        "source_labels": ["__name__"],
        "regex": regex,
        "target_label": "__name__",
        "replacement": name,
    }
