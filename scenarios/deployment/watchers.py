"""Whether what watches runs, and whether people can look at it.

One rule: each is asked by the address that a load balancer would ask, and believed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import requests

from scenarios.deployment.seen import Missing, of
from scenarios.deployment.target import Watcher
from scenarios.deployment.visit import Answer, Visit
from scenarios.verdict import Status, Verdict
from stack.clients.failure import ASKS_WHO, failure_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What one watcher says of itself; `problem` is "" where it is ready, `known` as `Probed`'s."""

    who: str
    said: str
    problem: str = ""
    known: bool = True
    look: str = ""


def prometheus_ready(visit: Visit) -> Readiness:
    """See whether Prometheus is ready."""
    return _asked(visit, "prometheus", "/-/ready")


def alertmanager_ready(visit: Visit) -> Readiness:
    """See whether Alertmanager is ready."""
    return _asked(visit, "alertmanager", "/-/ready")


def grafana_ready(visit: Visit) -> Readiness:
    """See whether Grafana is there, with its database."""
    return _asked(visit, "grafana", "/api/health")


def kibana_ready(visit: Visit) -> Readiness:
    """See whether Kibana is there, with its Elasticsearch."""
    return _asked(visit, "kibana", "/api/status")


def elasticsearch_ready(visit: Visit) -> Readiness:
    """See whether Elasticsearch takes records."""
    health = visit.elasticsearch().cluster.health()
    return read_cluster(str(health["status"]), int(health["number_of_nodes"]))


def _asked(visit: Visit, name: Watcher, path: str) -> Readiness:
    try:
        answer = visit.watcher(name, path)
    except requests.RequestException as error:
        failure = failure_of(error, visit.patience_seconds)
        return Readiness(
            who=name,
            said="",
            problem=f"{visit.target.watchers[name].url}: {failure.why}",
            known=failure.conclusive,
            look=failure.look,
        )
    return read_readiness(name, answer)


def read_readiness(name: Watcher, answer: Answer) -> Readiness:
    """Return what an answer says. Pure."""
    if answer.status in ASKS_WHO:
        return Readiness(
            who=name,
            said="",
            problem=f"{answer.url} answers {answer.status}: it asks who is asking",
            known=False,
            look=f"--{name}-token-file names the file with its token",
        )
    if answer.status != requests.codes.ok:
        return Readiness(who=name, said="", problem=f"{answer.url} answers {answer.status}")
    problem = {"grafana": _grafana, "kibana": _kibana}.get(name, lambda _text: "")(answer.text)
    return Readiness(
        who=name,
        said=f"{answer.url} answers 200",
        problem=f"{answer.url}: {problem}" if problem else "",
    )


def _grafana(text: str) -> str:
    try:
        database = json.loads(text)["database"]
    except (ValueError, KeyError, TypeError):
        return "this is not what Grafana answers"
    return "" if database == "ok" else f"its database is {database}"


def _kibana(text: str) -> str:
    try:
        level = json.loads(text)["status"]["overall"]["level"]
    except (ValueError, KeyError, TypeError):
        return "this is not what Kibana 8 answers"
    return "" if level == "available" else f"it is {level}"


def read_cluster(status: str, nodes: int) -> Readiness:
    """Return what a cluster's health says: red is where records are missing or refused. Pure."""
    said = f"the cluster of {nodes} is {status}"
    return Readiness(
        who="elasticsearch", said=said, problem=said if status not in ("green", "yellow") else ""
    )


def judge_ready(who: str, seen: Readiness | Missing) -> Verdict:
    """Judge that a watcher is ready."""
    claim, expected = f"{who} is ready", "it says so itself"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    if seen.problem and not seen.known:
        return Verdict(
            claim=claim,
            status=Status.UNKNOWN,
            expected=expected,
            observed=seen.problem,
            look=seen.look,
        )
    return of(claim, expected, seen.said, seen.problem, seen.look)
