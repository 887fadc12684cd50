"""Whether the service answers at its monitoring endpoints, and says that it is well.

One rule: an instance that does not answer is a failure; one that asks who is asking, or whose
certificate can't be checked from here, is not known.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import requests

from scenarios.deployment.seen import Missing
from scenarios.deployment.visit import Answer, Visit
from scenarios.verdict import Status, Verdict
from stack.clients.failure import ASKS_WHO, failure_of
from stack.clients.server import Server

LIVENESS = ("health", "live", "summary", "errors")
READINESS = ("ready",)

_MEDIA = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """One endpoint of one instance.

    Attributes:
        url: what was asked.
        status: the answer's, or None where there was none.
        problem: what is wrong; "" where it answers 200 and says nothing bad.
        known: whether the problem speaks of the service, and not of who asks.
        look: the next thing to do.
    """

    url: str
    status: int | None
    problem: str = ""
    known: bool = True
    look: str = ""


def liveness(visit: Visit) -> tuple[Probed, ...]:
    """See the service's monitoring endpoints."""
    return _probed(visit, LIVENESS)


def readiness(visit: Visit) -> tuple[Probed, ...]:
    """See the service's readiness."""
    return _probed(visit, READINESS)


def _probed(visit: Visit, names: Sequence[str]) -> tuple[Probed, ...]:
    target = visit.target
    found = []
    for service in target.services:
        for name in names:
            one = _probe(visit, service, target.endpoint(name))
            found.append(one)
            if one.status is None:
                break  # whoever does not answer once is not asked for the rest
    return tuple(found)


def _probe(visit: Visit, service: Server, path: str) -> Probed:
    try:
        return read_answer(visit.get(service, path))
    except requests.RequestException as error:
        failure = failure_of(error, visit.patience_seconds)
        return Probed(
            url=service.url + path,
            status=None,
            problem=failure.why,
            known=failure.conclusive,
            look=failure.look,
        )


def read_answer(answer: Answer) -> Probed:
    """Return what an answer says of the endpoint. Pure."""
    said = f"it answers {answer.status}"
    if answer.status in ASKS_WHO:
        return Probed(
            url=answer.url,
            status=answer.status,
            problem=f"{said}: it asks who is asking",
            known=False,
            look="--token-file names the file with the token that it asks for",
        )
    if answer.location:
        return Probed(url=answer.url, status=answer.status, problem=f"{said}: {answer.location}")
    if answer.status != requests.codes.ok:
        failing = _failing(answer.text)
        return Probed(
            url=answer.url,
            status=answer.status,
            problem=f"{said}{': ' if failing else ''}{failing}",
            look=f"curl -s {answer.url}",
        )
    if _MEDIA not in answer.content_type:
        return Probed(
            url=answer.url,
            status=answer.status,
            problem=f"{said}, as {answer.content_type or 'nothing that is named'} and not JSON: "
            "is this the service?",
        )
    return Probed(url=answer.url, status=answer.status)


def _failing(text: str) -> str:
    """Return which checks fail, of a body of the health+json draft; "" for any other."""
    try:
        checks = json.loads(text)["checks"]
        failing = [
            f"{name}: {one.get('output') or one['status']}"
            for name, several in checks.items()
            for one in several
            if one["status"] == "fail"
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return "; ".join(failing)


def judge_endpoints(claim: str, seen: tuple[Probed, ...] | Missing) -> Verdict:
    """Judge that every endpoint answers 200 with JSON."""
    expected = "200, as JSON, from each"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    wrong = [one for one in seen if one.problem]
    if not wrong and seen:
        return Verdict(
            claim=claim,
            status=Status.PASS,
            expected=expected,
            observed=f"{len(seen)} of {len(seen)} answer 200",
        )
    known = [one for one in wrong if one.known]
    return Verdict(
        claim=claim,
        status=Status.FAIL if known else Status.UNKNOWN,
        expected=expected,
        observed="\n".join(f"{one.url}: {one.problem}" for one in (known or wrong))
        or "no endpoint was asked",
        look=next((one.look for one in (known or wrong) if one.look), ""),
    )
