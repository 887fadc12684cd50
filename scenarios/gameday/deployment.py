"""A service that runs already, and the stack of somebody else's that watches it.

One rule: it is looked at before anything is broken, and whatever would page somebody in earnest,
or break more than requests, is refused with what to change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests

from scenarios.conditions import Load
from scenarios.faults.delay import Delay
from scenarios.faults.error import Error
from scenarios.gameday.exits import UsageError
from scenarios.gameday.marks import are_marked, snippet
from scenarios.model import Drill
from stack.clients.alertmanager import AlertmanagerClient, AlertmanagerError
from stack.clients.failure import failure_of
from stack.clients.http import read_json
from stack.clients.prometheus import PrometheusClient, PrometheusError
from stack.clients.server import Server
from stack.yamlfile import ConfigurationError

SUMMARY = "/api/metrics/summary"
LOOK_SECONDS = 5.0
CARRIED = (Delay, Error)
"""The faults that requests carry and clients see: nothing but HTTP is needed for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where everything is.

    Attributes:
        target: one instance of the service.
        service: its ``service`` label in Prometheus.
        secret_file: what signs faults: the file that INSTRUMENT_FAULT_SECRET_FILE names there.
        prometheus: who watches it, and tells `alertmanager`.
        requests: what the load asks for, as ``METHOD /path`` with its weight; empty for what the
            scenario asks for.
        instance: what its faults are signed for, once it was asked.
    """

    target: Server
    service: str
    secret_file: Path
    prometheus: Server
    alertmanager: Server
    requests: Mapping[str, int]
    instance: str = ""

    @property
    def where(self) -> str:
        """What is broken and who watches, for a person."""
        return (
            f"the service {self.service} at {self.target.url}, by requests of our own; watched by "
            f"{self.prometheus.url}, which tells {self.alertmanager.url}, and those are somebody "
            "else's: receivers are told in earnest, with DRILL in the first line"
        )


def borne(drills: Sequence[Drill], deployment: Deployment) -> tuple[Drill, ...]:
    """Return the drill as the deployed service bears it: under its name, with its requests.

    Raises:
        UsageError: there are several, or it breaks more than requests.
    """
    if len(drills) != 1:
        raise UsageError("--external breaks one service: name one --scenario")
    (drill,) = drills
    if not isinstance(drill.fault, CARRIED) or drill.after or not drill.fires:
        raise UsageError(
            f"{drill.id} can't be drilled with --external: {drill.fault.text}, which is not only "
            "carried by requests; take one whose fault is a delay or an error of requests, such "
            "as SlowResponseTime or HighErrorRate"
        )
    journey = deployment.requests or drill.load.journey
    load = Load(per_second=drill.load.per_second, journey=journey)
    if strange := sorted(set(drill.fault.only) - set(journey)):
        raise UsageError(f"{drill.id} hits {', '.join(strange)}: add --request '{strange[0]}'")
    return (replace(drill, alias=deployment.service, load=load, may_fire=drill.may_fire),)


def looked_at(deployment: Deployment, run: str) -> Deployment:
    """Return the deployment with the instance that answers there.

    Raises:
        UsageError: it or who watches does not answer, it accepts no faults, or its alerts would not
            be marked.
    """
    about = _summary(deployment)
    if not about.get("enabled"):
        why = about.get("why_not", "it does not say why")
        raise UsageError(f"{deployment.target.url} accepts no faults: {why}")
    if not deployment.secret_file.is_file():
        raise UsageError(f"--fault-secret-file: there is no file {deployment.secret_file}")
    try:
        configuration = PrometheusClient(deployment.prometheus).configuration()
        marked = are_marked(configuration, service=deployment.service, run=run)
        AlertmanagerClient(deployment.alertmanager).alerts()
    except (PrometheusError, AlertmanagerError, ConfigurationError) as error:
        look = failure_of(error, LOOK_SECONDS).look
        raise UsageError(f"{error}{'; ' if look else ''}{look}") from error
    if not marked:
        raise UsageError(
            f"{deployment.prometheus.url} would send alerts of {deployment.service} without "
            f"drill=true and drill_run={run}, and people would take them for earnest. Load this "
            f"into it, and say --run {run}:\n{snippet(service=deployment.service, run=run)}"
        )
    return replace(deployment, instance=str(about.get("instance", "")))


def _summary(deployment: Deployment) -> Mapping[str, Any]:
    url = deployment.target.url + SUMMARY
    try:
        answer = read_json(deployment.target.session(), url, timeout_seconds=LOOK_SECONDS)
    except (requests.RequestException, ValueError) as error:
        raise UsageError(f"--target: {url} did not answer: {error}") from error
    about = answer.get("fault_injection") if isinstance(answer, dict) else None
    if not isinstance(about, dict):
        raise UsageError(f"--target: {url} says nothing of fault_injection: is it instrumented?")
    return about
