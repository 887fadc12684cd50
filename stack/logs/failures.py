"""What Elasticsearch's client raises, as one line for a person, with what to do next.

Design rule: pure. No credential is ever part of the line, as none is part of a URL.
"""

from __future__ import annotations

from typing import Any

from elastic_transport import TlsError
from elasticsearch import ApiError, ConnectionTimeout, TransportError

from stack.logs.connection import Connection

__all__ = ["explained", "refusal"]

_BLOCK = "cluster_block_exception"


def explained(error: ApiError | TransportError, connection: Connection) -> str:
    """Return why Elasticsearch did not do what it was asked for, in one line."""
    where = ",".join(connection.urls)
    if isinstance(error, ApiError):
        return f"{where} answered {refusal(error)}"
    why = " ".join(str(error.message).split())
    if isinstance(error, ConnectionTimeout):
        return f"{where} did not answer in {connection.timeout_seconds:g} s; is it overloaded?"
    if isinstance(error, TlsError):
        return f"{where}: {why}; ELASTICSEARCH_CA_FILE names the authority of a private certificate"
    return f"no Elasticsearch at {where}: {why}; ELASTICSEARCH_URL says where it is"


def refusal(error: ApiError) -> str:
    """Return an answer that is an error, by status and reason, with what to do."""
    return f"{error.status_code}: {_reason(error)}{_hint(error)}"


def _reason(error: ApiError) -> str:
    body: Any = error.body
    try:
        causes = body["error"]["root_cause"] or [body["error"]]
        said = causes[0]["reason"] or causes[0]["type"]
    except (TypeError, KeyError, IndexError):
        said = error.message
    return " ".join(str(said).split())


def _hint(error: ApiError) -> str:
    if error.status_code == 401:
        return "; set ELASTICSEARCH_API_KEY_FILE, or ELASTICSEARCH_USER and _PASSWORD_FILE"
    if error.status_code == 403 and _BLOCK not in str(error.body):  # that one is nobody's privilege
        return "; the user or API key lacks the privilege"
    return ""
