"""Whether what Grafana's panels ask answers Grafana, under the uids that the panels name.

One rule: each kind is asked as its own plugin asks it, by a GET, and for no more than the panels
need: a question that needs more rights than they have would fail where all is well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import requests

from scenarios.deployment.rules import listed
from scenarios.deployment.screens import body_of, let_in, reason
from scenarios.deployment.seen import Missing, NotSeen, of
from scenarios.deployment.target import DeploymentTarget
from scenarios.deployment.visit import Answer, Visit
from scenarios.verdict import Status, Verdict
from stack.clients.failure import ASKS_WHO, failure_of
from stack.grafana.dashboards import ELASTICSEARCH, PROMETHEUS
from stack.grafana.data_sources import DataSource, load_data_sources
from stack.logs.indices import PATTERN

_ALERTMANAGER = "alertmanager"

_HEALTH = "/api/datasources/uid/{uid}/health"
"""A plugin's own check; it needs a plugin that runs in Grafana's backend."""

_PATHS: Mapping[str, str] = MappingProxyType(
    {
        PROMETHEUS: _HEALTH,
        # Its health is the cluster's, which needs the privilege `monitor`; panels don't.
        ELASTICSEARCH: "/api/datasources/uid/{uid}/resources/" + PATTERN + "/_mapping",
        # A plugin of the browser alone, whose "Save & test" asks this: health answers 500.
        _ALERTMANAGER: "/api/datasources/proxy/uid/{uid}/api/v2/status",
    }
)

_NO_HEALTH = frozenset({"plugin.unavailable", "plugin.notImplemented"})
"""`messageId` of an answer by Grafana that the plugin has no health to tell of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSource:
    """One data source: `problem` is "" where it answers; `asked` is False where it can't be."""

    source: DataSource
    problem: str = ""
    asked: bool = True


def wanted_sources(target: DeploymentTarget) -> tuple[DataSource, ...]:
    """Return the repository's data sources; Elasticsearch's only where the gate was told of one.

    Who has none takes it out of what Grafana is given. Raises as `load_data_sources`.
    """
    return tuple(
        one for one in load_data_sources() if one.type != ELASTICSEARCH or target.elasticsearch
    )


def asked_sources(visit: Visit) -> tuple[AskedSource, ...]:
    """See whether Grafana's data sources answer.

    One that is silent says nothing of the others; where none has an answer, it is Grafana's.
    """
    found: list[AskedSource] = []
    silent: list[AskedSource] = []
    unseen: list[NotSeen] = []
    for source in wanted_sources(visit.target):
        path = path_of(source)
        try:
            answer = visit.watcher("grafana", path)
        except requests.RequestException as error:
            failure = failure_of(error, visit.patience_seconds)
            silent.append(AskedSource(source=source, problem=failure.why))
            unseen.append(visit.not_seen(visit.target.watchers["grafana"].url + path, error))
            continue
        found.append(read_asked(source, answer))
    if unseen and not found:
        raise unseen[0]
    return (*found, *silent)


def path_of(source: DataSource) -> str:
    """Return what is asked of Grafana about a data source."""
    return _PATHS.get(source.type, _HEALTH).format(uid=source.uid)


def read_asked(source: DataSource, answer: Answer) -> AskedSource:
    """Return what an answer says of a data source. Raises NotSeen where Grafana asks who asks."""
    body = body_of(answer)
    if answer.status in ASKS_WHO and not _is_elasticsearchs(body):
        let_in("grafana", answer)
    told = body.get("messageId") if isinstance(body, dict) else None
    if source.type not in _PATHS and told in _NO_HEALTH:
        return AskedSource(source=source, asked=False)
    if answer.status != requests.codes.ok:
        said = _said_by_elasticsearch(body) if _is_elasticsearchs(body) else reason(answer)
        return AskedSource(source=source, problem=f"Grafana answers {answer.status}: {said}")
    problem = _READ.get(source.type, _health)(body if isinstance(body, dict) else None)
    return AskedSource(source=source, problem=problem)


def _is_elasticsearchs(body: object) -> bool:
    """Tell whether it is the error of an Elasticsearch, which Grafana hands on with its status."""
    return isinstance(body, dict) and isinstance(body.get("error"), dict)


def _said_by_elasticsearch(body: Mapping[str, Mapping[str, object]]) -> str:
    error = body["error"]
    return f"Elasticsearch says {error.get('type')}: {error.get('reason')}"


def _health(body: Mapping[str, object] | None) -> str:
    if body is None or "status" not in body:
        return "this is not what Grafana answers"
    return "" if body["status"] == "OK" else f"{body['status']}: {body.get('message')}"


def _mapping(body: Mapping[str, object] | None) -> str:
    if body is None:
        return "this is not what Elasticsearch answers"
    return "" if body else f"it shows no index {PATTERN}: there is none, or it may not see it"


def _status(body: Mapping[str, object] | None) -> str:
    return "" if body and "versionInfo" in body else "this is not what Alertmanager answers"


_READ: Mapping[str, Callable[[Mapping[str, object] | None], str]] = MappingProxyType(
    {PROMETHEUS: _health, ELASTICSEARCH: _mapping, _ALERTMANAGER: _status}
)


def judge_sources(
    seen: tuple[AskedSource, ...] | Missing, wanted: tuple[DataSource, ...]
) -> Verdict:
    """Judge that each of these data sources answers; one that can't be asked is told."""
    claim = "Grafana's data sources answer"
    expected = ", ".join(one.uid for one in wanted)
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    asked = {one.source.uid: one for one in seen}
    problems, unasked = [], []
    for source in wanted:
        one = asked.get(source.uid)
        if one is None or not one.asked:
            unasked.append(source.uid)
        elif one.problem:
            problems.append(f"{source.uid}: {one.problem}")
    answering = len(wanted) - len(unasked) - len(problems)
    left_out = f"; not asked: {', '.join(unasked)}" if unasked else ""
    observed = f"{answering} of {len(wanted)} answer{left_out}"
    if not answering and not problems:
        return Verdict(claim=claim, status=Status.UNKNOWN, expected=expected, observed=observed)
    look = "stack/grafana/provisioning/datasources, and what Grafana logs"
    return of(claim, expected, observed, listed(tuple(problems)), look)
