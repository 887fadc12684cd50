"""Whether each node of Elasticsearch has the memory that it needs.

One rule: what the node itself runs with is asked, not what it was told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scenarios.deployment.seen import Missing, of
from scenarios.deployment.visit import Visit
from scenarios.verdict import Status, Verdict

LEAST_BYTES = 10**9
"""1 GB as it is written. A heap of `-Xmx1g`, which is 7 % more, may be told as a bit less than it
was asked for, by the part that the garbage collector keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heap:
    """The most that one node may use for its objects."""

    node: str
    most_bytes: int


def heaps(visit: Visit) -> tuple[Heap, ...]:
    """See the heap of each node of Elasticsearch."""
    answer: Any = visit.elasticsearch().nodes.stats(metric="jvm")
    return tuple(
        Heap(node=str(one["name"]), most_bytes=int(one["jvm"]["mem"]["heap_max_in_bytes"]))
        for one in answer["nodes"].values()
    )


def judge_heaps(seen: tuple[Heap, ...] | Missing) -> Verdict:
    """Judge that each node has 1 GB or more."""
    claim, expected = "Elasticsearch has a heap of 1 GB or more", "1 GB or more on each node"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    if not seen:
        return Verdict(
            claim=claim, status=Status.UNKNOWN, expected=expected, observed="no node is told"
        )
    small = [f"{one.node} has {_gb(one)}" for one in seen if one.most_bytes < LEAST_BYTES]
    smallest = min(seen, key=lambda one: one.most_bytes)
    look = "ES_JAVA_OPTS='-Xms1g -Xmx1g', or ELASTICSEARCH_HEAP of the compose stack"
    return of(claim, expected, f"{_gb(smallest)} or more", "\n".join(small), look)


def _gb(one: Heap) -> str:
    return f"{one.most_bytes / 10**9:.2f} GB"
