"""Template and policy are installed, said to be unchanged where they are, and seen to win.

Design rule: what is there is read first and only a difference is written, so that setup may run
before every deploy; every change is reported by its path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from stack.logs.differences import Difference, differences
from stack.logs.existing import bring_up_to_date
from stack.logs.fields import Field
from stack.logs.indices import index_of
from stack.logs.lifecycle import POLICY, has_lifecycle, lifecycle_policy
from stack.logs.steps import Outcome, Step
from stack.logs.template import PRIORITY, TEMPLATE, IndexOptions, Json, index_template

__all__ = ["Plan", "set_up"]


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


def set_up(client: Elasticsearch, plan: Plan, *, dry_run: bool = False) -> Iterator[Step]:
    """Install policy and template, bring existing indices up to date, and yield each step.

    Under a dry run nothing is written and the steps are what would be done. Existing indices get
    the fields that they lack and the settings that may be changed; a field's type stays until the
    next day's index. A step that is failed says that records which come now suffer from it.
    Raises `elasticsearch.ApiError` and `elasticsearch.TransportError`.
    """
    today = index_of(datetime.now(UTC))
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
    yield _template(client, template, today, dry_run)
    yield from bring_up_to_date(client, plan.fields, template, today=today, dry_run=dry_run)


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
        note=f"deletes an index {days} days after its day has ended",
    )


def _template(client: Elasticsearch, wanted: Json, today: str, dry_run: bool) -> Step:
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
    what, outcome = f"index template {TEMPLATE}", _outcome(there, changes)
    installed = not (changes and dry_run)
    if installed and (winner := _winner(client, today)) is not None:
        return Step(
            what=what,
            outcome="overruled",
            changes=changes,
            note=f"{outcome}, but what {today} is made from is {winner}, of a priority above"
            f" {PRIORITY}: delete that one, or give it a lower one",
            failed=True,
        )
    return Step(what=what, outcome=outcome, changes=changes)


def _winner(client: Elasticsearch, index: str) -> str | None:
    """Name the template that a new index is made from; None where it is ours."""
    answer: Any = client.indices.simulate_index_template(name=index)
    lost = {one["name"] for one in answer.get("overlapping", ())}
    is_strict = answer["template"].get("mappings", {}).get("dynamic") == "strict"
    if is_strict and TEMPLATE not in lost:
        return None
    every: Any = client.indices.get_index_template(name="*")
    fitting = [
        f"{one['name']} ({one['index_template'].get('priority', 0)})"
        for one in every["index_templates"]
        if one["name"] not in {*lost, TEMPLATE}
        and any(fnmatchcase(index, pattern) for pattern in one["index_template"]["index_patterns"])
    ]
    return ", ".join(fitting) or "another index template"


def _as_asked(answer: Mapping[str, Any], wanted: Json) -> dict[str, object]:
    """Return the template without what Elasticsearch adds: `composed_of: []` is none."""
    return {key: value for key, value in answer.items() if key in wanted or value not in ([], {})}


def _all_of(wanted: Mapping[str, object]) -> tuple[Difference, ...]:
    return differences({}, wanted)


def _outcome(there: object, changes: tuple[Difference, ...]) -> Outcome:
    if there is None:
        return "created"
    return "changed" if changes else "unchanged"
