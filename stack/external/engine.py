"""What answers at the URLs of an external stack, and whether a drill can work with it.

Design rule: an engine is what its own answers show, asked before anything is written; whatever
does not fit is one line that names the flag or the option to change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType

import requests
from prometheus_client.parser import text_string_to_metric_families

from stack.clients.alertmanager import AlertmanagerClient, AlertmanagerError
from stack.clients.failure import failure_of
from stack.clients.http import read_text
from stack.clients.prometheus import PrometheusClient, PrometheusError
from stack.clients.server import Server
from stack.drill_files import RULES
from stack.durations import parse_duration
from stack.external.folder import FolderRefused
from stack.external.model import External
from stack.rules import load_rules

__all__ = [
    "ENGINES",
    "PROMETHEUS",
    "SAMPLE_LIMIT_SERIES",
    "VICTORIAMETRICS",
    "Engine",
    "ExternalRefused",
    "identify",
    "inspect",
]

SAMPLE_LIMIT_SERIES = "sample-limit-series"
"""The engine tells each target's sample limit as `scrape_sample_limit`."""

TIMEOUT_SECONDS = 5.0

_DELAYS = ("search.latencyOffset", "rule.evalDelay")
"""Flags of VictoriaMetrics and of vmalert: how much of the newest is left out on purpose."""

REMEMBERED_FILTERS = "storage.cacheSizeIndexDBTagFilters"
"""How many bytes VictoriaMetrics has to remember which series a query found, which it forgets every
10 s (`startFlushCallbackWorker` in lib/mergeset/table.go): a new series is hidden from the same
query for as long, with no more than one byte for as long as its samples are."""


class ExternalRefused(RuntimeError):
    """A drill can't work with what is at these URLs: one line, with what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One kind of engine.

    Attributes:
        shows: the metric that it alone exports at /metrics.
        visible_after: how long after it was scraped a sample may be hidden, in real time.
        writes_alerts: as `External.writes_alerts`.
        lacks: what it can't give a drill, capability to reason.
    """

    name: str
    shows: str
    visible_after: timedelta = timedelta(0)
    writes_alerts: bool = False
    lacks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


PENDING_ROWS = timedelta(seconds=2)
"""What is scraped waits in memory until it is that old and somebody looks, as often as that
(`pendingRowsFlushInterval` in lib/storage/partition.go, v1.145). No flag shortens it. Measured with
scrapes every 250 ms (``nox -s bench -- engines``): the newest sample that a query saw was 0.2 to
4.1 s old."""

PROMETHEUS = Engine(name="Prometheus", shows="prometheus_build_info", writes_alerts=True)

VICTORIAMETRICS = Engine(
    name="VictoriaMetrics",
    shows="vm_app_version",
    visible_after=2 * PENDING_ROWS,
    lacks=MappingProxyType(
        {
            SAMPLE_LIMIT_SERIES: "VictoriaMetrics tells it as scrape_samples_limit, which the rule"
            " does not read"
        }
    ),
)

ENGINES = (PROMETHEUS, VICTORIAMETRICS)


def identify(exposition: str) -> tuple[Engine, str] | None:
    """Return the engine that exports these metrics of itself, and the version that it tells.

    `None` for one that is not known; "" for a version that is not told.
    """
    families = {family.name: family for family in text_string_to_metric_families(exposition)}
    for engine in ENGINES:
        if engine.shows in families:
            told = [one.labels.get("version", "") for one in families[engine.shows].samples]
            return engine, next(iter(told), "")
    return None


def inspect(external: External) -> External:
    """Return the same with what its engine is like.

    What the engine is known for replaces nothing that was asked for: a given `visible_after` stays.

    Raises:
        ExternalRefused: a drill can't work with it, or it does not answer as a Prometheus does.
    """
    client = PrometheusClient(external.prometheus, rules=external.rules)
    try:
        client.query("vector(1)")
    except PrometheusError as error:
        raise ExternalRefused(f"--prometheus-url: {_line(error)}") from error
    try:
        rules = client.rules()
    except PrometheusError as error:
        raise ExternalRefused(
            f"no rules are told at {external.rules.url}: {_line(error)}; name what evaluates them:"
            " --rules-url (vmalert's)"
        ) from error
    try:
        AlertmanagerClient(external.alertmanager).alerts()
    except AlertmanagerError as error:
        raise ExternalRefused(f"--alertmanager-url: {_line(error)}") from error
    shown = _exposition(external.prometheus)
    if external.folder:
        _check_folder(external, {rule.name for rule in rules.rules})
        evaluating = shown
        if external.rules != external.prometheus:
            evaluating = _exposition(external.rules)
        for problem in (
            *_delayed(external.prometheus.url, shown),
            *_delayed(external.rules.url, evaluating),
            *_remembering(external.prometheus.url, shown),
        ):
            raise ExternalRefused(problem)
        _check_forgets(client)
    known = identify(shown)
    if known is None:
        return external
    engine, version = known
    return replace(
        external,
        name=f"{engine.name} {version}".strip(),
        visible_after=external.visible_after or engine.visible_after,
        writes_alerts=engine.writes_alerts,
        lacks={**engine.lacks, **external.lacks},
    )


def _check_folder(external: External, evaluated: set[str]) -> None:
    folder = external.folder
    assert folder is not None
    try:
        folder.check()
        written = {rule.name for rule in load_rules(folder.read(RULES)).alerts}
    except (FolderRefused, OSError) as error:
        raise ExternalRefused(f"--external-folder: {error}") from error
    if strange := sorted(evaluated - written):
        raise ExternalRefused(
            f"{external.rules.url} evaluates rules that are not in {folder.path / RULES}"
            f" ({', '.join(strange[:3])}): it is not an engine for drills; start one that reads"
            " that folder (docs/external.md)"
        )


def _check_forgets(client: PrometheusClient) -> None:
    """Services that were taken away are forgotten, or they would be missed for an hour."""
    try:
        client.forget('{__name__="alertproof_never_was"}')
    except PrometheusError as error:
        raise ExternalRefused(
            f"series can't be deleted: {_line(error)}; start Prometheus with --web.enable-admin-api"
        ) from error


def _delayed(url: str, exposition: str) -> Iterator[str]:
    """Yield what is wrong with the flags that leave out the newest on purpose."""
    for name, value in _flags(exposition):
        if name in _DELAYS and parse_duration(value or "0s"):
            yield (
                f"{url} leaves out the newest {value} on purpose: start it with -{name}=0s, as"
                " no time scale divides that"
            )


def _remembering(url: str, exposition: str) -> Iterator[str]:
    """Yield what is wrong where new series are hidden from queries that were asked before."""
    for name, value in _flags(exposition):
        if name == REMEMBERED_FILTERS and value != "1":
            yield (
                f"{url} hides a new series from queries that it was asked before, for 10 s: start"
                f" it with -{name}=1, as no time scale divides that"
            )


def _flags(exposition: str) -> Iterator[tuple[str, str]]:
    """Yield the flags that VictoriaMetrics and vmalert export of themselves, with their values."""
    for family in text_string_to_metric_families(exposition):
        if family.name == "flag":
            for sample in family.samples:
                yield sample.labels.get("name", ""), sample.labels.get("value", "")


def _exposition(server: Server) -> str:
    """Return what a server says of itself; nothing of one that keeps it to itself."""
    with server.session() as session:
        try:
            return read_text(session, f"{server.url}/metrics", timeout_seconds=TIMEOUT_SECONDS)
        except requests.RequestException:
            return ""


def _line(error: Exception) -> str:
    look = failure_of(error, TIMEOUT_SECONDS).look
    return f"{' '.join(str(error).split())}{'; ' if look else ''}{look}"
