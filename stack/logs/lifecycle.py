"""How long logs are kept, and the policy that keeps it where the cluster has lifecycle policies.

Design rule: one retention for both ways to delete. A cluster without lifecycle policies is found
by asking it, never by its version.
"""

from __future__ import annotations

from elasticsearch import ApiError, Elasticsearch

from stack.logs.template import Json

__all__ = [
    "ENVIRONMENTS",
    "POLICY",
    "RETENTION_DAYS",
    "has_lifecycle",
    "lifecycle_policy",
]

POLICY = "softfactory-logs"

RETENTION_DAYS = {"production": 30, "development": 7}
"""How many days of logs each kind of environment keeps."""

ENVIRONMENTS = tuple(RETENTION_DAYS)

_NO_SUCH_ENDPOINT = frozenset({400, 404, 405})
"""How a cluster answers an address that it does not have: 400 without the module, 405 in OpenSearch
for a name that could be an index, 404 behind a proxy."""


def lifecycle_policy(days: int) -> Json:
    """Return the body of the policy: written while hot, deleted once all of it is `days` days old.

    An index is as old as its day's beginning, and its last record is a day younger: that is waited
    for, so that `prune` deletes at the same midnight. Elasticsearch's own defaults are spelled out,
    for it answers with them and they would look like a difference.
    """
    return {
        "_meta": {"made_by": "python -m stack.logs setup"},
        "phases": {
            # After a restart today's index is recovered before older ones, whose priority is 1.
            "hot": {"min_age": "0ms", "actions": {"set_priority": {"priority": 100}}},
            "delete": {
                "min_age": f"{days + 1}d",
                "actions": {"delete": {"delete_searchable_snapshot": True}},
            },
        },
    }


def has_lifecycle(client: Elasticsearch) -> bool:
    """Tell whether the cluster has lifecycle policies.

    Raises `elasticsearch.ApiError` where that can't be known (the caller may not ask), and
    `elasticsearch.TransportError` for a cluster that does not answer.
    """
    try:
        client.ilm.get_status()
    except ApiError as error:
        if error.status_code in _NO_SUCH_ENDPOINT:
            return False
        raise
    return True
