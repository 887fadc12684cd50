"""Whether Kibana's Discover works: the data view and the searches of the repository, and the logs.

One rule: the data view is asked as Discover asks it, so that Kibana has looked into Elasticsearch
for its fields before anything is said of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import requests

from scenarios.deployment.rules import listed
from scenarios.deployment.screens import ask, body_of, reason
from scenarios.deployment.seen import Missing, of
from scenarios.deployment.visit import Answer, Visit
from scenarios.verdict import Status, Verdict
from stack.logs.indices import PATTERN
from stack.logs.kibana.objects import SavedObject, load_objects

DATA_VIEW, SEARCH = "index-pattern", "search"
"""As Kibana calls them among its saved objects."""

_PATHS: Mapping[str, str] = MappingProxyType(
    {DATA_VIEW: "/api/data_views/data_view/", SEARCH: f"/api/saved_objects/{SEARCH}/"}
)
_NO_KIBANA = "this is not what Kibana 8 answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldObject:
    """One object as Kibana has it.

    Attributes:
        id: as `SavedObject`'s.
        problem: why nothing is known of it; "" where it is there.
        pattern: of a data view: the indices that it reads.
        time_field: of a data view: by which field Discover goes through time.
        fields: of a data view: which fields Kibana found in the indices.
        data_views: of a search: the ids of the data views that it reads.
    """

    id: str
    problem: str = ""
    pattern: str = ""
    time_field: str = ""
    fields: frozenset[str] = frozenset()
    data_views: tuple[str, ...] = ()


def discover_objects() -> tuple[SavedObject, ...]:
    """Return the repository's data views and searches, data views first.

    Raises as `load_objects`.
    """
    found = [one for one in load_objects() if one.type in _PATHS]
    return tuple(sorted(found, key=lambda one: (one.type != DATA_VIEW, one.id)))


def held_objects(visit: Visit) -> tuple[HeldObject, ...]:
    """See what Discover shows in Kibana."""
    return tuple(
        read_held(one, ask(visit, "kibana", f"{_PATHS[one.type]}{one.id}"))
        for one in discover_objects()
    )


def read_held(wanted: SavedObject, answer: Answer) -> HeldObject:
    """Return what an answer says of an object. Pure."""
    if answer.status != requests.codes.ok:
        said = f"can't be opened: Kibana answers {answer.status}: {reason(answer)}"
        return HeldObject(id=wanted.id, problem=said)
    body = body_of(answer)
    try:
        if wanted.type == DATA_VIEW:
            view = body["data_view"]
            return HeldObject(
                id=wanted.id,
                pattern=str(view["title"]),
                time_field=str(view.get("timeFieldName", "")),
                fields=frozenset(view.get("fields") or ()),
            )
        used = tuple(str(one["id"]) for one in body["references"] if one["type"] == DATA_VIEW)
        return HeldObject(id=wanted.id, data_views=used)
    except (KeyError, TypeError, AttributeError):
        return HeldObject(id=wanted.id, problem=f"can't be read: {_NO_KIBANA}")


def judge_discover(
    seen: tuple[HeldObject, ...] | Missing, wanted: tuple[SavedObject, ...]
) -> Verdict:
    """Judge that each of these objects is there, reads the logs, and finds them."""
    claim = "Discover works in Kibana"
    searches = sum(one.type == SEARCH for one in wanted)
    expected = f"{len(wanted) - searches} data view of {PATTERN}, and {searches} searches in it"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    if not wanted:
        return Verdict(
            claim=claim, status=Status.UNKNOWN, expected=expected, observed="nothing was asked for"
        )
    held = {one.id: one for one in seen}
    found: list[str] = []
    for one in wanted:
        name = f"{'data view' if one.type == DATA_VIEW else one.type} {one.id}"
        found += [f"{name} {said}" for said in _problems(one, held.get(one.id))]
    observed = f"{searches} searches in a data view that finds {PATTERN}"
    look = "python -m stack.logs kibana import; GET _cat/indices/" + PATTERN
    return of(claim, expected, observed, listed(tuple(found)), look)


def _problems(wanted: SavedObject, held: HeldObject | None) -> list[str]:
    if held is None:
        return ["was not asked for"]
    if held.problem:
        return [held.problem]
    if wanted.type == SEARCH:
        ours = tuple(one.id for one in wanted.references if one.type == DATA_VIEW)
        theirs = ", ".join(held.data_views) or "none"
        same = held.data_views == ours
        return [] if same else [f"reads data view {theirs}, not {', '.join(ours)}"]
    time_field = str(wanted.attributes["timeFieldName"])
    if held.pattern != PATTERN:
        return [f"reads {held.pattern}, and logs are written to {PATTERN}"]
    if held.time_field != time_field:
        return [f"goes by the time {held.time_field or 'of nothing'}, not {time_field}"]
    if time_field not in held.fields:
        return [
            f"finds no {time_field} in {PATTERN}: there is no index, or who asks may not read it"
        ]
    return []
