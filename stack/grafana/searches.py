"""A dashboard's searches are put to an Elasticsearch that holds logs.

Design rule: a search is run as Grafana runs it, as a `query_string`; what is drawn, or shown in a
column, must be in what it finds.
"""

from __future__ import annotations

from collections.abc import Mapping

from elasticsearch import ApiError, Elasticsearch

from stack.grafana.answers import Answer
from stack.grafana.dashboards import Query, concrete
from stack.logs.indices import PATTERN

__all__ = ["search"]

_EVERYTHING = "*"


def search(client: Elasticsearch, query: Query, values: Mapping[str, str]) -> Answer:
    """Search for what `query` asks, with `values` for its variables; count what was found.

    A field that it names and that nothing found has is an error. Raises DashboardError for a
    variable without a value, and what the client raises where Elasticsearch can't be reached.
    """
    text = concrete(query, values) or _EVERYTHING
    named = {name: {"exists": {"field": name}} for name in dict.fromkeys(query.fields)}
    try:
        found = client.search(
            index=PATTERN,
            query={"query_string": {"query": text, "analyze_wildcard": True}},
            aggs={"having": {"filters": {"filters": named}}},
            size=0,
            track_total_hits=True,
        )
    except ApiError as error:
        return Answer(question=text, error=str(error))
    number = found["hits"]["total"]["value"]
    having = found["aggregations"]["having"]["buckets"]
    lacking = sorted(name for name, one in having.items() if not one["doc_count"])
    if number and lacking:
        nowhere = f"of {number} records that it finds, none has {', '.join(lacking)}"
        return Answer(question=text, error=nowhere)
    return Answer(question=text, series=number)
