"""Template and policy are installed, and said to be unchanged where they are.

Design rule: what is there is read first and only a difference is written, so that setup may run
before every deploy; every change is reported by its path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from elasticsearch import Elasticsearch, NotFoundError

from stack.logs.differences import Difference, differences, flattened
from stack.logs.fields import Field
from stack.logs.indices import PATTERN, day_of
from stack.logs.lifecycle import POLICY, has_lifecycle, lifecycle_policy
from stack.logs.template import TEMPLATE, IndexOptions, Json, index_template, mappings

__all__ = ["Outcome", "Plan", "Step", "set_up"]

Outcome = Literal["created", "changed", "unchanged", "kept", "absent"]

_LIVE_SETTINGS = ("index.refresh_interval", "index.number_of_replicas", "index.lifecycle.name")
"""What may be changed on an index that is being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be installed.

    Attributes:
        fields: the table of fields.
        days: how long the policy keeps an index.
        replicas: copies of each index; None for as many as the cluster can place, at most one.
        refresh_interval: as Elasticsearch writes durations.
    """

    fields: Mapping[str, Field]
    days: int
    replicas: int | None = None
    refresh_interval: str = "1s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of one thing.

    Attributes:
        what: the thing, for a person.
        outcome: created, changed, unchanged; kept: it differs and can't be changed; absent: the
            cluster has no such thing.
        changes: every path that was, or under a dry run would be, changed; of what is kept, every
            path that stays different.
        note: what else a person should know, or nothing.
    """

    what: str
    outcome: Outcome
    changes: tuple[Difference, ...] = field(default=())
    note: str = ""


def set_up(client: Elasticsearch, plan: Plan, *, dry_run: bool = False) -> Iterator[Step]:
    """Install policy and template, bring existing indices up to date, and yield each step.

    Under a dry run nothing is written and the steps are what would be done. Existing indices get
    the fields that they lack and the settings that may be changed; a field's type stays until the
    next day's index. Raises `elasticsearch.ApiError` and `elasticsearch.TransportError`.
    """
    lifecycle = has_lifecycle(client)
    replicas = _fitting_replicas(client) if plan.replicas is None else plan.replicas
    template = index_template(
        plan.fields,
        IndexOptions(
            replicas=replicas,
            refresh_interval=plan.refresh_interval,
            lifecycle=POLICY if lifecycle else None,
        ),
    )
    # The policy first: an index that names a policy which is not there yet is not managed.
    yield _policy(client, plan.days, dry_run) if lifecycle else _no_policy(plan.days)
    yield _template(client, template, dry_run)
    yield from _indices(client, plan.fields, template, dry_run)


def _fitting_replicas(client: Elasticsearch) -> int:
    return min(1, int(client.cluster.health()["number_of_data_nodes"]) - 1)


def _no_policy(days: int) -> Step:
    return Step(
        what=f"lifecycle policy {POLICY}",
        outcome="absent",
        note="this cluster has no lifecycle policies; delete by date, once a day:"
        f" python -m stack.logs prune --days {days} --yes",
    )


def _policy(client: Elasticsearch, days: int, dry_run: bool) -> Step:
    wanted = lifecycle_policy(days)
    try:
        there = client.ilm.get_lifecycle(name=POLICY)[POLICY]["policy"]
    except NotFoundError:
        there = None
    what = f"lifecycle policy {POLICY}"
    changes = differences(there or {}, wanted) if there is not None else _all_of(wanted)
    if changes and not dry_run:
        client.ilm.put_lifecycle(name=POLICY, policy=wanted)
    return Step(
        what=what,
        outcome=_outcome(there, changes),
        changes=changes,
        note=f"deletes an index {days} days after its day began",
    )


def _template(client: Elasticsearch, wanted: Json, dry_run: bool) -> Step:
    try:
        answer = client.indices.get_index_template(name=TEMPLATE)
        there = _as_asked(answer["index_templates"][0]["index_template"], wanted)
    except NotFoundError:
        there = None
    changes = differences(there, wanted) if there is not None else _all_of(wanted)
    if changes and not dry_run:
        client.indices.put_index_template(
            name=TEMPLATE,
            index_patterns=wanted["index_patterns"],  # type: ignore[arg-type]  # a list of text
            priority=wanted["priority"],  # type: ignore[arg-type]  # a number
            template=wanted["template"],  # type: ignore[arg-type]  # an object
            meta=wanted["_meta"],  # type: ignore[arg-type]  # an object
        )
    return Step(
        what=f"index template {TEMPLATE}", outcome=_outcome(there, changes), changes=changes
    )


def _as_asked(answer: Mapping[str, Any], wanted: Json) -> dict[str, object]:
    """Return the template without what Elasticsearch adds: `composed_of: []` is none."""
    return {key: value for key, value in answer.items() if key in wanted or value not in ([], {})}


def _indices(
    client: Elasticsearch, fields: Mapping[str, Field], template: Json, dry_run: bool
) -> Iterator[Step]:
    body: Any = template["template"]
    live = {
        path: value for path, value in flattened(body["settings"]).items() if path in _LIVE_SETTINGS
    }
    answer = client.indices.get(index=PATTERN, allow_no_indices=True, expand_wildcards="open")
    for name in sorted(name for name in answer if day_of(name)):
        mapping = answer[name]["mappings"]
        lacking = _lacking(fields, mapping)
        added = mappings(lacking)
        has = flattened(answer[name]["settings"])
        settings = {path: value for path, value in live.items() if has.get(path) != value}
        yield _index(
            client, name, has, settings, mapping, added if lacking else None, body, dry_run
        )


def _index(
    client: Elasticsearch,
    name: str,
    has: Mapping[str, str],
    settings: dict[str, str],
    mapping: Mapping[str, object],
    added: Any,
    body: Any,
    dry_run: bool,
) -> Step:
    if added is not None and not dry_run:
        client.indices.put_mapping(index=name, properties=added["properties"])
    if settings and not dry_run:
        client.indices.put_settings(index=name, settings=settings)
    changes = tuple(
        Difference(path=path, before=has.get(path), after=value) for path, value in settings.items()
    )
    lacked = _paths(added) if added is not None else set()
    stays = []
    for one in differences(mapping, body["mappings"]):
        if one.path in lacked:
            changes += (one,)
        else:
            stays.append(one)
    if changes:
        return Step(what=f"index {name}", outcome="changed", changes=changes, note=_kept(stays))
    return Step(
        what=f"index {name}",
        outcome="kept" if stays else "unchanged",
        changes=tuple(stays),
        note=_kept(stays),
    )


def _kept(stays: list[Difference]) -> str:
    if not stays:
        return ""
    return f"{len(stays)} paths of its mapping differ and stay so: a field's type is for good"


def _lacking(fields: Mapping[str, Field], mapping: Mapping[str, object]) -> dict[str, Field]:
    known = set(flattened(mapping))
    return {
        name: field
        for name, field in fields.items()
        if f"properties.{name.replace('.', '.properties.')}.type" not in known
    }


def _paths(mapping: Mapping[str, Any]) -> set[str]:
    return {f"properties.{path}" for path in flattened(mapping["properties"])}


def _all_of(wanted: Mapping[str, object]) -> tuple[Difference, ...]:
    return differences({}, wanted)


def _outcome(there: object, changes: tuple[Difference, ...]) -> Outcome:
    if there is None:
        return "created"
    return "changed" if changes else "unchanged"
