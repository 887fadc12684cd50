"""One request puts all objects into a Kibana, in place of those that it has of them.

Design rule: Kibana's answer is typed at this border, and what it refused is named, one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from stack.clients.http import new_session
from stack.logs.kibana.settings import KibanaSettings

__all__ = ["ImportRefused", "Imported", "import_objects"]

_UNAUTHORIZED = frozenset({401, 403})
_SHOWN_CHARACTERS = 300  # of an answer that is none of Kibana's


class ImportRefused(RuntimeError):
    """Kibana did not take the objects: where, why, and what to do; one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What Kibana has now: how many objects, and where."""

    count: int
    url: str


def import_objects(settings: KibanaSettings, ndjson: bytes) -> Imported:
    """Import the objects, replacing those with the same ids.

    Raises ImportRefused if Kibana can't be reached, knows the caller not, or refuses an object.
    """
    headers = {"kbn-xsrf": "true"}  # Kibana refuses a POST without it, as a browser can't forge it
    if settings.api_key:
        headers["Authorization"] = f"ApiKey {settings.api_key}"
    url = f"{settings.url}/api/saved_objects/_import"
    try:
        response = new_session(authority=settings.ca_file).post(
            url,
            params={"overwrite": "true"},
            headers=headers,
            auth=None if settings.api_key else settings.basic_auth,
            files={"file": ("softfactory.ndjson", ndjson, "application/ndjson")},
            timeout=settings.timeout_seconds,
            allow_redirects=False,  # a redirect leads to a login page, which answers 200
        )
    except (requests.RequestException, OSError) as error:
        raise ImportRefused(
            f"{url} did not answer: {_cause(error)}; set KIBANA_URL, and for a private authority"
            " KIBANA_CA_FILE"
        ) from error
    if response.status_code in _UNAUTHORIZED:
        raise ImportRefused(
            f"{url} answered {response.status_code}: {_said(response)}; set KIBANA_API_KEY_FILE, or"
            " KIBANA_USER and KIBANA_PASSWORD_FILE, of who may write saved objects"
        )
    if response.status_code != requests.codes.ok:
        raise ImportRefused(f"{url} answered {response.status_code}: {_said(response)}")
    return _imported(settings.url, response)


def _imported(url: str, response: requests.Response) -> Imported:
    try:
        answer = response.json()
        if answer["success"]:
            return Imported(count=int(answer["successCount"]), url=url)
        refused = "; ".join(_refusal(one) for one in answer["errors"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImportRefused(
            f"{url} is no Kibana: it answered {response.text[:_SHOWN_CHARACTERS]!r}"
        ) from error
    raise ImportRefused(f"{url} took {answer.get('successCount', 0)} objects, and not: {refused}")


def _cause(error: BaseException) -> str:
    """Return the operating system's own words, without the layers that handed them up."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__


def _refusal(one: dict[str, Any]) -> str:
    why = one["error"]
    missing = ", ".join(f"{used['type']} {used['id']}" for used in why.get("references", ()))
    detail = missing or why.get("message", "")
    return f"{one['type']} {one['id']}: {why['type']}{f' ({detail})' if detail else ''}"


def _said(response: requests.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return response.text[:_SHOWN_CHARACTERS] or response.reason
