"""The index template is made from the table of fields, and from nothing else.

Design rule: pure. What Elasticsearch must accept is decided here and installed elsewhere; every
setting that is not Elasticsearch's default has its reason beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stack.logs.fields import Field
from stack.logs.indices import PATTERN

__all__ = ["PRIORITY", "TEMPLATE", "IndexOptions", "Json", "index_template"]

Json = dict[str, "object"]
"""A JSON object on its way to Elasticsearch."""

TEMPLATE = "softfactory-logs"

PRIORITY = 500
"""Above Elasticsearch's own templates, whose priorities are 100 to 200."""

IGNORE_ABOVE = 32_766 // 4
"""The longest keyword that is searched where the table names no limit, in characters.

Lucene's longest term has 32,766 bytes and a character has at most four: without a limit, one
header of 40 kB would have its whole record refused.
"""

_MEMBER_LIMIT = {"keyword", "flattened"}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOptions:
    """What an operator decides about the indices.

    Attributes:
        replicas: copies of each index. On one node none can be placed, and the index stays yellow.
        refresh_interval: how soon what was written is found, as Elasticsearch writes durations.
        lifecycle: the lifecycle policy's name; None where the cluster has no such policies.
    """

    replicas: int = 0
    refresh_interval: str = "1s"
    lifecycle: str | None = None


def index_template(fields: Mapping[str, Field], options: IndexOptions) -> Json:
    """Return the body of the index template for every `softfactory-logs-*` index."""
    return {
        "index_patterns": [PATTERN],
        "priority": PRIORITY,
        "_meta": {
            "made_by": "python -m stack.logs setup",
            "from": "stack/elasticsearch/fields.yml",
        },
        "template": {"settings": _settings(fields, options), "mappings": mappings(fields)},
    }


def _settings(fields: Mapping[str, Field], options: IndexOptions) -> Json:
    settings: Json = {
        "number_of_shards": 1,  # a day of logs fits one shard; more nodes share the days
        "number_of_replicas": options.replicas,
        # Said in full even where it is the default: an index whose interval is not set is no
        # longer refreshed once nobody has searched it for 30 seconds, and `follow` would wait.
        "refresh_interval": options.refresh_interval,
        # 306 bytes a record of a finished request, against 370 with the default codec (measured);
        # what it adds to the time to write one is too little to be seen.
        #
        # There is no `sort`: records come nearly in order, so segments hold a time each anyway.
        # Sorted by `@timestamp`, a quarter or more CPU went into each record, the index was no
        # smaller, and `find`, which breaks ties by `event.id`, was not faster (measured).
        "codec": "best_compression",
        "mapping": {
            # The mapping never grows by itself, so the limit stops only a table gone wrong.
            "total_fields": {"limit": 2 * _count(fields)},
            # A value of another type is a defect of whoever wrote it. Ignored, the record would
            # be kept but never found by that field, and nobody would know; refused, it is kept in
            # the shipper's dead letters with the reason, and counted.
            "ignore_malformed": False,
            # For the same reason "200" is no status: what is searched is what the record shows.
            "coerce": False,
        },
        # A search that names no field asks these, not every field of the table.
        "query": {
            "default_field": [name for name, field in fields.items() if field.type == "text"]
        },
    }
    if options.lifecycle is not None:
        # The index is as old as the day in its name: what is shipped late is not kept longer.
        settings["lifecycle"] = {"name": options.lifecycle, "parse_origination_date": True}
    return {"index": settings}


def mappings(fields: Mapping[str, Field]) -> Json:
    """Return the mappings of these fields alone, each below the objects that its name names."""
    properties: Json = {}
    for field in fields.values():
        place = properties
        *parents, last = field.name.split(".")
        for parent in parents:
            node = place.setdefault(parent, {"properties": {}})
            place = node["properties"]  # type: ignore[index]  # made the line above
        place[last] = _mapping(field)
    # A field that the table does not know is refused, by name, instead of guessed at: the first
    # record of the day must not decide what a field is for all others.
    return {"dynamic": "strict", "properties": properties}


def _mapping(field: Field) -> Json:
    mapping: Json = {"type": field.type}
    if not field.indexed:
        # Its column is left out too: a column's value, like a term, has at most 32,766 bytes.
        return {**mapping, "index": False, "doc_values": False}
    if field.type == "text":
        mapping["norms"] = False  # logs are sorted by time, never by relevance
    if field.type in _MEMBER_LIMIT:
        mapping["ignore_above"] = field.ignore_above or IGNORE_ABOVE
    return mapping


def _count(fields: Mapping[str, Field]) -> int:
    """Return how many entries the mapping has: Elasticsearch counts objects too."""
    objects = {
        name.rsplit(".", depth)[0] for name in fields for depth in range(1, name.count(".") + 1)
    }
    return len(fields) + len(objects)
