"""One look at a deployment: how each part of it is asked, and until when.

One rule: no request without a time-out, none after the deadline, and no token to anybody but whom
it is for. What may be asked twice is asked again where it was refused; nothing is written.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import requests
from elasticsearch import Elasticsearch
from urllib3.util.retry import Retry

from scenarios.deployment.seen import NotSeen
from scenarios.deployment.target import DeploymentTarget, Watcher
from stack.clients.alertmanager import AlertmanagerClient
from stack.clients.deployed_prometheus import DeployedPrometheus
from stack.clients.failure import failure_of
from stack.clients.server import Server
from stack.settings import SettingsError

LEAST_SECONDS = 0.25
"""What one request gets, however little time there is, and what is left when the longest ends."""

BRIEFLY = (502, 503, 504)
"""What a proxy answers while what stands behind it is exchanged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, whatever its status."""

    url: str
    status: int
    content_type: str
    location: str
    text: str


def retries() -> Retry:
    """Return what is tried again, 0, 0.4 and 0.8 s later: who takes no connection, or is exchanged.

    One that is silent is not asked again: its silence is what is to be known.
    """
    return Retry(
        total=2,
        connect=2,
        read=0,
        status=2,
        other=0,
        redirect=False,
        backoff_factor=0.2,
        status_forcelist=BRIEFLY,
        raise_on_status=False,
        respect_retry_after_header=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Where observers ask. Thread-safe.

    Attributes:
        target: what is looked at.
        until: when all must be done, on the monotonic clock.
        run: the id of this run, for what it leaves in logs.
        patience_seconds: how long one request may take; less than all, so that who is silent is
            told by what was asked of them.
    """

    target: DeploymentTarget
    until: float
    run: str
    patience_seconds: float

    @classmethod
    def begin(cls, target: DeploymentTarget, run: str, seconds: float) -> Self:
        """Return a visit that ends so many seconds from now."""
        patience = max(LEAST_SECONDS, min(target.timeout_seconds, seconds - LEAST_SECONDS))
        until = time.monotonic() + seconds
        return cls(target=target, until=until, run=run, patience_seconds=patience)

    @property
    def left_seconds(self) -> float:
        """How much time is left."""
        return self.until - time.monotonic()

    def get(
        self, server: Server, path: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """GET a path; a redirection is an answer. Raises requests.RequestException, NotSeen."""
        url, left = server.url + path, self.left_seconds
        if left <= 0:
            raise NotSeen(f"there was no time left to ask {url}", "give --deadline more seconds")
        with server.session(retries()) as session:
            answer = session.get(
                url,
                headers=dict(headers or {}),
                timeout=min(self.patience_seconds, left),
                allow_redirects=False,
            )
        return Answer(
            url=url,
            status=answer.status_code,
            content_type=answer.headers.get("Content-Type", ""),
            location=answer.headers.get("Location", ""),
            text=answer.text,
        )

    def watcher(self, name: Watcher, path: str) -> Answer:
        """GET a path of a watcher that was named. Raises as `get`.

        Kibana takes bearer tokens and its own API keys, which are the same to the eye: what it does
        not know as the one, it is shown as the other.
        """
        server = self.target.watchers[name]
        answer = self.get(server, path)
        if name == "kibana" and server.token and answer.status == requests.codes.unauthorized:
            keyed = {"Authorization": f"ApiKey {server.token}"}
            return self.get(replace(server, token=""), path, keyed)
        return answer

    def prometheus(self) -> DeployedPrometheus:
        """Return a client of Prometheus."""
        return DeployedPrometheus(
            self.target.watchers["prometheus"],
            timeout_seconds=self.patience_seconds,
            retry=retries(),
        )

    def alertmanager(self) -> AlertmanagerClient:
        """Return a client of Alertmanager."""
        return AlertmanagerClient(
            self.target.watchers["alertmanager"],
            timeout_seconds=self.patience_seconds,
            retry=retries(),
        )

    def elasticsearch(self) -> Elasticsearch:
        """Return a client of Elasticsearch. Raises NotSeen for settings that can't be used."""
        connection = self.target.elasticsearch
        if connection is None:
            raise NotSeen("no Elasticsearch is named")
        try:
            return connection.client(passes_over=True)
        except SettingsError as error:
            raise NotSeen(str(error)) from error

    def not_seen(self, who: str, error: BaseException) -> NotSeen:
        """Return that somebody could not be asked, and why."""
        failure = failure_of(error, self.patience_seconds)
        return NotSeen(f"{who}: {failure.why}", failure.look)
