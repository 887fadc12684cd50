"""What Kibana asks Elasticsearch for a saved object, and which fields it needs for that.

One rule: the query language of every object is Lucene's, which a node parses itself; so what is
run here is Kibana's own request, and no translation of this toolkit's stands between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stack.logs.kibana.objects import SavedObject

NUMBERS = frozenset({"short", "integer", "long", "float", "double"})
USES: Mapping[str, frozenset[str]] = {
    "date_histogram": frozenset({"date"}),
    "percentiles": NUMBERS,
    "terms": frozenset({"keyword"}),
    "range": NUMBERS | {"date"},
    "sort": NUMBERS | {"date", "keyword"},
    "column": frozenset({"keyword", "text", "date", "boolean"}) | NUMBERS,
    "search": frozenset({"keyword", "text", "date", "boolean"}) | NUMBERS,
}
"""Which types a use of a field can have."""

NO_BUCKET = "no such value"

_EXISTS = re.compile(r"_exists_:(?P<field>[\w.@]+)")
_CLAUSE = re.compile(r"(?<![\w.@])(?P<field>[\w.@]+):(?P<value>[\[{<>])?")


def query_of(one: SavedObject) -> str:
    """The text in the search bar; every object has it in Lucene's syntax."""
    query = one.attributes["kibanaSavedObjectMeta"]["searchSourceJSON"]["query"]
    assert query["language"] == "lucene", one.id
    return str(query["query"])


def lucene(text: str) -> dict[str, Any]:
    """The query that Kibana makes of the search bar."""
    if not text:
        return {"match_all": {}}
    return {"query_string": {"query": text, "analyze_wildcard": True, "time_zone": "UTC"}}


def aggregations(one: SavedObject) -> dict[str, Any]:
    """The aggregations of a panel: buckets one in another, and in the innermost the metrics."""
    given = one.attributes["visState"]["aggs"]
    inside: dict[str, Any] = {
        agg["id"]: _metric(agg)
        for agg in given
        if agg["schema"] == "metric" and agg["type"] != "count"
    }
    for agg in reversed([agg for agg in given if agg["schema"] != "metric"]):
        inside = {agg["id"]: {**_bucket(agg), **({"aggs": inside} if inside else {})}}
    return inside


def uses_of(one: SavedObject) -> Iterator[tuple[str, str]]:
    """Each field that an object names, with what it is used for."""
    attributes = one.attributes
    if "timeFieldName" in attributes:
        yield attributes["timeFieldName"], "date_histogram"
    for column in attributes.get("columns", ()):
        yield column, "column"
    for field, _ in attributes.get("sort", ()):
        yield field, "sort"
    if "kibanaSavedObjectMeta" in attributes:
        yield from uses_of_query(query_of(one))
    for agg in attributes.get("visState", {}).get("aggs", ()):
        if "field" in agg["params"]:
            yield agg["params"]["field"], agg["type"]
        for bucket in agg["params"].get("filters", ()):
            assert bucket["input"]["language"] == "lucene"
            yield from uses_of_query(bucket["input"]["query"])


def uses_of_query(text: str) -> Iterator[tuple[str, str]]:
    """Each field that a query names; a comparison or a range needs an order."""
    for found in _EXISTS.finditer(text):
        yield found["field"], "search"
    for found in _CLAUSE.finditer(_EXISTS.sub("", text)):
        yield found["field"], "range" if found["value"] else "search"


def _metric(agg: Mapping[str, Any]) -> dict[str, Any]:
    params = agg["params"]
    assert agg["type"] == "percentiles"
    return {"percentiles": {"field": params["field"], "percents": params["percents"]}}


def _bucket(agg: Mapping[str, Any]) -> dict[str, Any]:
    params = agg["params"]
    match agg["type"]:
        case "date_histogram":
            assert params["interval"] == "m"
            return {
                "date_histogram": {
                    "field": params["field"],
                    "fixed_interval": "1m",
                    "time_zone": "UTC",
                    "min_doc_count": params["min_doc_count"],
                }
            }
        case "terms":
            by = "_count" if params["orderBy"] == "1" else params["orderBy"]
            missing = {"missing": NO_BUCKET} if params["missingBucket"] else {}
            return {
                "terms": {
                    "field": params["field"],
                    "size": params["size"],
                    "order": {by: params["order"]},
                    **missing,
                }
            }
        case "filters":
            filters = {one["label"]: lucene(one["input"]["query"]) for one in params["filters"]}
            return {"filters": {"filters": filters}}
    raise AssertionError(f"no panel has an aggregation {agg['type']}")
