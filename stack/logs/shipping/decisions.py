"""What the answer to one record, or to a whole request, means for the records in it.

Design rule: pure. Only what is said of the record itself refuses it; what is said of the node, its
load, our rights or the way there is a reason to try again, however long that takes.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["REFUSALS", "RETRIES", "Decision", "decide", "refusal_of", "retry_of", "too_much"]


class Decision(Enum):
    """What becomes of a record."""

    SHIPPED = "the index has it"
    RETRY = "to be sent again"
    REFUSED = "to the dead letters"


REFUSALS = (
    "document_parsing_exception",
    "mapper_parsing_exception",
    "strict_dynamic_mapping_exception",
    "illegal_argument_exception",
    "index_closed_exception",
    "cluster_block_exception",
    "request_too_large",
    "other",
)
"""The types of refusals that are counted by name, so that a hostile answer adds no series."""

RETRIES = ("connection", "timeout", "too_many_requests", "server_error", "other")
"""Why requests are repeated."""

_OF_A_DOCUMENT = frozenset(
    {
        "document_parsing_exception",
        "mapper_parsing_exception",
        "strict_dynamic_mapping_exception",
        "illegal_argument_exception",  # an immense term, say
        "parsing_exception",
        "parse_exception",
        "x_content_parse_exception",
        "json_parse_exception",
        "stream_constraints_exception",  # a number or a name that is too long
        "number_format_exception",
        "date_time_parse_exception",
    }
)
"""The types of errors that tell of what stands in a document. `validation_exception` is none of
them: it says that the cluster may have no more shards."""

_OF_A_RECORD = _OF_A_DOCUMENT | {"index_closed_exception"}
_OF_A_REQUEST = _OF_A_DOCUMENT | {"action_request_validation_exception"}  # an id too long, say

_CREATED_BEFORE = 409
_TOO_LARGE = 413
_BAD = 400
_FORBIDDEN = 403
_TOO_MANY = 429
_OF_THE_SERVER = 500


def decide(status: int, error_type: str) -> Decision:
    """Tell what the status and the error's type of one record in a bulk answer mean.

    A conflict means that the index has this id: an earlier request got there, and its answer did
    not get here. An index that is closed or blocked for writing by an operator refuses for good,
    and must not hold up the records of all later days.
    """
    if 200 <= status < 300 or status == _CREATED_BEFORE:
        return Decision.SHIPPED
    if status == _TOO_LARGE or (status == _BAD and error_type in _OF_A_RECORD):
        return Decision.REFUSED
    if status == _FORBIDDEN and error_type == "cluster_block_exception":
        return Decision.REFUSED
    return Decision.RETRY


def too_much(status: int, error_type: str) -> bool:
    """Tell whether a request refused like this should be sent in smaller parts.

    A proxy or a node may take less than we send (413); of a request that Elasticsearch refuses as
    malformed (400), parts tell which record does it. `error_type` is empty where it was not
    Elasticsearch that answered: another's 400 says nothing of the records.
    """
    return status == _TOO_LARGE or (status == _BAD and error_type in _OF_A_REQUEST)


def refusal_of(error_type: str) -> str:
    """Return the name under which a refusal of this type is counted."""
    return error_type if error_type in REFUSALS else "other"


def retry_of(status: int) -> str:
    """Return the name under which a repetition because of this status is counted."""
    if status == _TOO_MANY:
        return "too_many_requests"
    return "server_error" if status >= _OF_THE_SERVER else "other"
