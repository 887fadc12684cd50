"""The records that a filter asks for: the newest, oldest first, and how many there are in all.

Design rule: nothing is cut silently. A search that some shard did not answer is an error, and the
count beside the records is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from stack.logs.indices import PATTERN
from stack.logs.query import LogFilter
from stack.logs.record import LogRecord, record_of

__all__ = ["PAGE", "Found", "find", "newest", "sorted_by_time"]

PAGE = 1000
"""Records in one answer: Elasticsearch gives at most 10,000, and a traceback has kilobytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The newest records that match, oldest first; `total` counts all that match."""

    records: tuple[LogRecord, ...]
    total: int

    @property
    def left_out(self) -> int:
        """How many older ones match and are not among the records."""
        return max(0, self.total - len(self.records))


def find(client: Elasticsearch, wanted: LogFilter, *, limit: int) -> Found:
    """Return the newest `limit` records that match.

    Raises `elasticsearch.ApiError` and `elasticsearch.TransportError`.
    """
    records: list[LogRecord] = []
    total = 0
    after: list[Any] | None = None
    while len(records) < limit:
        answer = client.search(
            index=PATTERN,
            query=wanted.to_query(),
            sort=sorted_by_time("desc"),
            size=min(PAGE, limit - len(records)),
            search_after=after,
            track_total_hits=after is None,
            allow_no_indices=True,
            allow_partial_search_results=False,
        )
        if after is None:
            total = int(answer["hits"]["total"]["value"])
        hits = answer["hits"]["hits"]
        if not hits:
            break
        records += map(record_of, hits)
        after = hits[-1]["sort"]
    return Found(records=tuple(sorted(records, key=lambda record: record.order)), total=total)


def newest(client: Elasticsearch) -> LogRecord | None:
    """Return the newest record there is, for who found none; None without any."""
    records = find(client, LogFilter(), limit=1).records
    return records[0] if records else None


def sorted_by_time(order: str) -> list[dict[str, Any]]:
    """Return the order of a search: by time, then by `event.id`, so that pages never overlap."""
    return [
        # An index without any record has not learned its fields where the template is missing.
        {"@timestamp": {"order": order, "unmapped_type": "date"}},
        {"event.id": {"order": order, "unmapped_type": "keyword"}},
    ]
