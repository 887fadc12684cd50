"""What a Prometheus says of its rules, its targets, its Alertmanagers and its series.

Design rule: every answer is typed at this border (`stack.clients.prometheus_answers`); past it
there is no JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar, cast

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from stack.clients.failure import ASKS_WHO
from stack.clients.http import read_json
from stack.clients.prometheus_answers import (
    ActiveAlert,
    BuildInfo,
    RuleSnapshot,
    RulesSnapshot,
    Sample,
    Series,
    Target,
    count_alertmanagers,
    count_notifiers,
    read_active_alerts,
    read_build_info,
    read_configuration,
    read_names,
    read_rules,
    read_samples,
    read_series,
    read_targets,
)
from stack.clients.server import Server

__all__ = [
    "ActiveAlert",
    "BuildInfo",
    "PrometheusClient",
    "PrometheusError",
    "RuleSnapshot",
    "RulesSnapshot",
    "Sample",
    "Series",
    "Target",
]

T = TypeVar("T")

TIMEOUT_SECONDS = 5.0
"""A loopback Prometheus answers in milliseconds; one that does not answer for this long is down."""


class PrometheusError(RuntimeError):
    """Prometheus did not answer, or not as its API is documented: the URL and the cause."""


class PrometheusClient:
    """Reads one Prometheus. Thread-safe. Every method raises `PrometheusError`.

    Queries go through prometheus-api-client; its library covers no alerting, so that rules and
    targets are read from the HTTP API as documented. `rules` is what evaluates the rules, where
    that is another server with the same API (vmalert).
    """

    def __init__(
        self,
        server: Server | str,
        *,
        rules: Server | str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        retry: Retry | None = None,
    ) -> None:
        """Read a server, or the one at a URL that asks for no token; `retry` says what repeats."""
        asked, evaluating = Server.at(server), Server.at(rules or server)
        self.url = asked.url
        self._rules_url = evaluating.url
        self._timeout_seconds = timeout_seconds
        self._sessions = {one.url: one.session(retry) for one in dict.fromkeys((evaluating, asked))}
        session = self._sessions[self.url]
        self._queries = PrometheusConnect(url=self.url, session=session, timeout=timeout_seconds)
        # The library's own, which believes no private authority and repeats what it likes.
        del session.adapters[self.url]
        # Its error holds no status, by which who asks for a token is told from who can't answer.
        session.hooks["response"].append(_raise_for_asking_who)

    def rules(self) -> RulesSnapshot:
        """Return every alerting rule with its active alerts."""
        return self._typed("/api/v1/rules", read_rules, {"type": "alert"}, at=self._rules_url)

    def active_alerts(self) -> tuple[ActiveAlert, ...]:
        """Return the alerts that are pending or firing: much less to read than all rules."""
        return self._typed("/api/v1/alerts", read_active_alerts, at=self._rules_url)

    def targets(self) -> tuple[Target, ...]:
        """Return the active targets; what discovery has dropped is not among them."""
        return self._typed("/api/v1/targets", read_targets, {"state": "active"})

    def active_alertmanagers(self) -> int:
        """Return to how many Alertmanagers alerts are sent at present."""
        try:
            return self._typed("/api/v1/alertmanagers", count_alertmanagers, at=self._rules_url)
        except PrometheusError:
            if self._rules_url == self.url:
                raise
        # vmalert tells it under another name.
        return self._typed("/api/v1/notifiers", count_notifiers, at=self._rules_url)

    def build_info(self) -> BuildInfo:
        """Return the version that is running."""
        return self._typed("/api/v1/status/buildinfo", read_build_info)

    def metric_names(self) -> frozenset[str]:
        """Return the names of all series that are stored."""
        return self._typed("/api/v1/label/__name__/values", read_names)

    def configuration(self) -> str:
        """Return the configuration that is in force, as Prometheus writes it."""
        return self._typed("/api/v1/status/config", read_configuration)

    def query(self, promql: str) -> list[Sample]:
        """Evaluate an instant query: the samples of a vector, or a scalar as one sample."""
        return _parsed(f"{self.url} query {promql}", read_samples, self._query(promql))

    def query_raw(self, promql: str) -> list[Series]:
        """Evaluate a range vector selector such as `up[1m]`: the samples as they were scraped.

        Prometheus leaves out the marks of series that ended, and VictoriaMetrics shows them as NaN:
        no NaN is returned.
        """
        found = _parsed(f"{self.url} query {promql}", read_series, self._query(promql))
        return [
            replace(one, points=tuple(point for point in one.points if not math.isnan(point[1])))
            for one in found
        ]

    def query_range(
        self, promql: str, *, start: float, end: float, step_seconds: float
    ) -> list[Series]:
        """Evaluate a query at each step from `start` to `end`, both in epoch seconds.

        Asked of the HTTP API: the library rounds both ends to whole seconds. A scalar is one
        series without labels. Prometheus gives 11,000 points of a series at most, and stops
        where the client does.
        """
        found = self._read(
            "/api/v1/query_range",
            {
                "query": promql,
                "start": f"{start:.3f}",
                "end": f"{end:.3f}",
                "step": f"{step_seconds:.3f}",
                "timeout": f"{self._timeout_seconds:g}s",
            },
        )
        return _parsed(
            f"{self.url} query_range {promql}", lambda data: read_series(data["result"]), found
        )

    def has_series(self, selector: str, *, start: int, end: int) -> bool:
        """Tell whether a series that `selector` chooses has samples between two epoch seconds."""
        times = {"start": str(start), "end": str(end), "limit": "1"}
        return self._typed(
            "/api/v1/series", lambda series: len(series) > 0, {"match[]": selector, **times}
        )

    def forget(self, selector: str) -> None:
        """Delete every series that the selector chooses, with all its samples.

        It is the one thing that is written here, and needs --web.enable-admin-api.
        """
        url = f"{self.url}/api/v1/admin/tsdb/delete_series"
        try:
            response = self._sessions[self.url].post(
                url, params={"match[]": selector}, timeout=self._timeout_seconds
            )
            response.raise_for_status()
        except requests.RequestException as error:
            raise PrometheusError(f"{url} deleted nothing of {selector}: {error}") from error

    def _query(self, promql: str) -> object:
        try:
            answer: object = self._queries.custom_query(promql)
        except (requests.RequestException, PrometheusApiClientException) as error:
            raise PrometheusError(f"{self.url} did not answer {promql!r}: {error}") from error
        return answer

    def _typed(
        self,
        path: str,
        parse: Callable[[Any], T],
        params: dict[str, str] | None = None,
        *,
        at: str = "",
    ) -> T:
        return _parsed((at or self.url) + path, parse, self._read(path, params, at=at))

    def _read(self, path: str, params: dict[str, str] | None = None, *, at: str = "") -> object:
        at = at or self.url
        url = at + path
        try:
            answer = read_json(
                self._sessions[at], url, params=params, timeout_seconds=self._timeout_seconds
            )
        except requests.RequestException as error:
            raise PrometheusError(f"{url} did not answer: {error}") from error
        match answer:
            case {"status": "success", "data": data}:
                return cast("object", data)
            case _:
                raise PrometheusError(f"{url} answered something else than success: {answer!r}")


def _raise_for_asking_who(response: requests.Response, **_: object) -> None:
    """Raise requests.HTTPError for the answer of somebody who asks who is asking."""
    if response.status_code in ASKS_WHO:
        response.raise_for_status()


def _parsed(where: str, parse: Callable[[Any], T], answer: object) -> T:
    try:
        return parse(answer)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise PrometheusError(
            f"{where} answered in an unknown form ({type(error).__name__}: {error})"
        ) from error
