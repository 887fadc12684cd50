"""Records as they become searchable: none missed that comes late, none told twice.

Design rule: each look reads again what is near the end, by the records' time and by when they were
shipped; what was told is known by its id. No clock but the records' own is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from elasticsearch import Elasticsearch

from stack.logs.find import PAGE, find, sorted_by_time
from stack.logs.indices import PATTERN
from stack.logs.query import LogFilter, to_milliseconds, written
from stack.logs.record import LogRecord, Order, record_of

__all__ = ["OVERLAP", "Follower"]

OVERLAP = timedelta(seconds=5)
"""How far each look reaches back behind the newest time that was seen.

A record is searchable after its process has written it, the shipper has sent it (about a second)
and the index was refreshed (another): whatever order several processes' records take, this is
more than twice that. What was held up for longer is found by when it was shipped.
"""


Times = dict[str, datetime]
"""Times by the field that has them."""


class Follower:
    """Looks again and again; the caller says when. Not thread-safe.

    `lines` is how many of the newest records the first look tells, where the filter has no
    `since`. The filter's `until` should be None: what follows has no end. A document with neither
    time, which the shipper never makes, is told only if it was there at the beginning.
    """

    def __init__(
        self,
        client: Elasticsearch,
        wanted: LogFilter,
        *,
        lines: int,
        overlap: timedelta = OVERLAP,
    ) -> None:
        self._client = client
        self._wanted = wanted
        self._lines = lines
        self._overlap = overlap
        self._begun = wanted.since is not None
        self._floor: Order | None = None
        self._newest: Times = {}
        self._begin: Times = {}  # where the next look begins, by field; nowhere, without any
        self._told: dict[str, Times] = {}  # what the next look may see again

    def look(self) -> Iterator[LogRecord]:
        """Yield the records that are new since the last look, in their order.

        Raises `elasticsearch.ApiError` and `elasticsearch.TransportError`; the next look then goes
        on behind what this one yielded.
        """
        if not self._begun:
            yield from self._first_lines()
        from_everything = not self._begin
        many = PAGE
        for page in self._pages():
            yield from self._fresh(page)
            if from_everything and "@timestamp" in self._newest:
                # A look that fails need not begin at the start again. By when records were shipped
                # it can't be told how far a look is: it goes through them by their own time.
                self._begin = self._near_the_end("@timestamp")
                if len(self._told) > many:  # of a month nobody can remember all
                    self._forget_what_is_behind()
                    many = 2 * len(self._told) + PAGE  # seldom, as all are gone through
        self._begin = self._near_the_end(*self._newest)
        self._forget_what_is_behind()
        self._floor = None

    def _first_lines(self) -> Iterator[LogRecord]:
        records = find(self._client, self._wanted, limit=max(1, self._lines)).records
        self._begun = True
        if not records:
            return  # whatever comes is new
        # What else is near the end was there before these lines; what comes later is told.
        self._floor = records[0].order
        fresh = list(self._fresh(records))
        self._begin = self._near_the_end(*self._newest)
        self._forget_what_is_behind()
        if self._lines:
            yield from fresh

    def _fresh(self, records: Sequence[LogRecord]) -> Iterator[LogRecord]:
        fresh = [record for record in records if record.id not in self._told]
        for record in records:
            times = self._told[record.id] = _times(record)
            self._newest = {
                field: max(filter(None, (times.get(field), self._newest.get(field))))
                for field in times.keys() | self._newest.keys()
            }
        for record in sorted(fresh, key=lambda record: record.order):
            if self._floor is None or record.order >= self._floor:
                yield record

    def _near_the_end(self, *fields: str) -> Times:
        first = datetime.min.replace(tzinfo=UTC) + self._overlap
        # Cut as Elasticsearch does, so that what it finds from there on is what was told.
        return {
            field: to_milliseconds(max(self._newest[field], first) - self._overlap)
            for field in fields
        }

    def _forget_what_is_behind(self) -> None:
        """Forget what no look finds again: by each of its times it is behind the newest seen.

        The newest only grows. While nothing has a time, the next look begins at the start again.
        """
        if not self._newest:
            return
        begin = self._near_the_end(*self._newest)
        self._told = {
            id_: times
            for id_, times in self._told.items()
            if any(when >= begin[field] for field, when in times.items())
        }

    def _pages(self) -> Iterator[list[LogRecord]]:
        clauses = [self._wanted.to_query()]
        if self._begin:
            near = [
                {"range": {field: {"gte": written(when)}}} for field, when in self._begin.items()
            ]
            clauses.append({"bool": {"should": near, "minimum_should_match": 1}})
        after: list[Any] | None = None
        while True:
            answer = self._client.search(
                index=PATTERN,
                query={"bool": {"filter": clauses}},
                sort=sorted_by_time("asc"),
                size=PAGE,
                search_after=after,
                track_total_hits=False,
                allow_no_indices=True,
                allow_partial_search_results=False,
                preference="follow",  # one copy of each index, which never goes back in time
            )
            hits = answer["hits"]["hits"]
            yield [record_of(hit) for hit in hits]
            if len(hits) < PAGE:
                return
            after = hits[-1]["sort"]


def _times(record: LogRecord) -> Times:
    times = {"@timestamp": record.time, "event.ingested": record.ingested}
    return {field: when for field, when in times.items() if when is not None}
