"""Indices that are there already get the fields and settings that they can still be given.

Design rule: the newest first, as it is being written, and one that refuses keeps no other from
being brought up to date. What stays different is said by its path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from elasticsearch import ApiError, Elasticsearch

from stack.logs.differences import Difference, differences, flattened
from stack.logs.failures import refusal
from stack.logs.fields import Field
from stack.logs.indices import PATTERN, day_of
from stack.logs.steps import Step
from stack.logs.template import Json, mappings

__all__ = ["bring_up_to_date"]

_LIVE_SETTINGS = ("index.refresh_interval", "index.number_of_replicas", "index.lifecycle.name")
"""What may be changed on an index that is being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """Paths that one request changes together, or not at all."""

    paths: tuple[Difference, ...]
    write: Callable[[], object]


def bring_up_to_date(
    client: Elasticsearch,
    fields: Mapping[str, Field],
    template: Json,
    *,
    today: str,
    dry_run: bool,
) -> Iterator[Step]:
    """Yield what became of each day's open index, the newest first.

    `today` is the name of the index that records are written to now: only if that one refuses is
    its step failed. Raises `elasticsearch.ApiError` where the indices can't be read, and
    `elasticsearch.TransportError`.
    """
    body: Any = template["template"]
    answer = client.indices.get(index=PATTERN, allow_no_indices=True, expand_wildcards="open")
    for name in sorted((name for name in answer if day_of(name)), reverse=True):
        wanted, stays = _to_change(client, name, answer[name], fields, body)
        yield _step(name, wanted, stays, is_today=name == today, dry_run=dry_run)


def _to_change(
    client: Elasticsearch, name: str, there: Any, fields: Mapping[str, Field], body: Any
) -> tuple[list[_Change], list[Difference]]:
    wanted = []
    added: Any = mappings(_lacking(fields, there["mappings"]))["properties"]
    lacked = {f"properties.{path}" for path in flattened(added)} if added else set()
    differ = differences(there["mappings"], body["mappings"])
    if added:
        new = tuple(one for one in differ if one.path in lacked)
        write = partial(client.indices.put_mapping, index=name, properties=added)
        wanted.append(_Change(paths=new, write=write))
    has = flattened(there["settings"])
    settings = {
        path: value
        for path, value in flattened(body["settings"]).items()
        if path in _LIVE_SETTINGS and has.get(path) != value
    }
    if settings:
        paths = tuple(
            Difference(path=path, before=has.get(path), after=value)
            for path, value in settings.items()
        )
        write = partial(client.indices.put_settings, index=name, settings=settings)
        wanted.append(_Change(paths=paths, write=write))
    return wanted, [one for one in differ if one.path not in lacked]


def _step(
    name: str, wanted: list[_Change], stays: list[Difference], *, is_today: bool, dry_run: bool
) -> Step:
    done: list[Difference] = []
    refused: list[Difference] = []
    notes = [_for_good(stays)] if stays else []
    for change in wanted:
        try:
            if not dry_run:
                change.write()
        except ApiError as error:
            refused += change.paths
            notes.append(f"{len(change.paths)} paths were refused: {refusal(error)}")
        else:
            done += change.paths
    left = [*stays, *refused]
    return Step(
        what=f"index {name}",
        outcome="changed" if done else "kept" if left else "unchanged",
        changes=tuple(done or left),
        note="; ".join(notes),
        failed=is_today and bool(refused),
    )


def _for_good(stays: list[Difference]) -> str:
    return f"{len(stays)} paths of its mapping differ and stay so: a field's type is for good"


def _lacking(fields: Mapping[str, Field], mapping: Mapping[str, object]) -> dict[str, Field]:
    return {name: field for name, field in fields.items() if not _is_taken(name, mapping)}


def _is_taken(name: str, mapping: Any) -> bool:
    """Tell whether something stands in a field's place: a field, an object, or a field above it.

    One place that is taken would have Elasticsearch refuse all fields of the request.
    """
    place = mapping
    for part in name.split("."):
        place = place.get("properties", {}).get(part)
        if place is None:
            return False
        if place.get("type", "object") != "object":
            return True
    return True
