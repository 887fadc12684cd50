"""Whether Alertmanager runs with the routing file that the repository has.

One rule: the same bytes are the same, by the hash that Alertmanager tells; other bytes are compared
by their meaning, less secrets, which it does not show. Defaults that it adds are no difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from scenarios.deployment.rules import listed
from scenarios.deployment.seen import Missing, NotSeen, of
from scenarios.deployment.visit import Visit
from scenarios.verdict import Verdict
from stack.durations import DurationError, parse_duration
from stack.routes import InhibitRule, MatchedRoute, Route, RouteTree, load_routes

HASH = "alertmanager_config_hash"
"""The metric with a number that is made of the file's bytes."""

HIDDEN = "<secret>"
"""What Alertmanager shows in the place of a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRouting:
    """What Alertmanager has loaded, as it writes it, and the hash of the file that it read."""

    text: str
    hash: float | None


def loaded_routing(visit: Visit) -> LoadedRouting:
    """See the configuration that Alertmanager has loaded."""
    status = visit.alertmanager().status()
    try:
        answer = visit.watcher("alertmanager", "/metrics")
    except requests.RequestException as error:
        raise visit.not_seen("Alertmanager's metrics", error) from error
    return LoadedRouting(text=status.config_yaml, hash=_told_hash(answer.text))


def _told_hash(exposition: str) -> float | None:
    about = "".join(f"{line}\n" for line in exposition.splitlines() if HASH in line)
    for family in text_string_to_metric_families(about):
        for sample in family.samples:
            return float(sample.value)
    return None


def config_hash(text: bytes) -> float:
    """Return the number that Alertmanager makes of a file: its MD5's first 48 bits.

    `md5HashAsMetricValue` in config/coordinator.go: six bytes, the lowest first, as more would not
    fit into a float.
    """
    digest = hashlib.md5(text, usedforsecurity=False).digest()
    return float(int.from_bytes(digest[:6], "little"))


def differences(ours: str, theirs: str, source: str) -> tuple[str, ...]:
    """Return how a loaded configuration differs from a file.

    Raises stack.yamlfile.ConfigurationError for a file that can't be read.
    """
    wanted, loaded = load_routes(ours, source), load_routes(theirs, "what is loaded")
    return (
        *_of_routes(wanted.root, loaded.root),
        *_of_inhibition(wanted, loaded),
        *_of_intervals(wanted, loaded),
        *_of_settings(_plain(ours, source), _plain(theirs, "what is loaded")),
    )


def _of_routes(ours: Route, theirs: Route) -> Iterator[str]:
    where = ours.settings.path
    for name, wanted, loaded in zip(
        _ROUTE, _said(ours.settings), _said(theirs.settings), strict=True
    ):
        if wanted != loaded:
            yield f"{where}: {name} is loaded as {loaded}, in the repository {wanted}"
    if ours.continue_ != theirs.continue_:
        yield f"{where}: continue is loaded as {theirs.continue_}"
    if len(ours.routes) != len(theirs.routes):
        yield (
            f"{where}: {len(theirs.routes)} routes are loaded below it, "
            f"in the repository {len(ours.routes)}"
        )
        return
    for one, other in zip(ours.routes, theirs.routes, strict=True):
        yield from _of_routes(one, other)


_ROUTE = (
    *("receiver", "group_by", "matchers", "group_wait", "group_interval", "repeat_interval"),
    *("mute_time_intervals", "active_time_intervals"),
)


def _said(route: MatchedRoute) -> tuple[object, ...]:
    return (
        route.receiver,
        sorted(route.group_by),
        sorted(map(str, route.matchers)),
        *(str(one) for one in (route.group_wait, route.group_interval, route.repeat_interval)),
        sorted(route.muted_in),
        sorted(route.active_in),
    )


def _of_inhibition(ours: RouteTree, theirs: RouteTree) -> Iterator[str]:
    wanted, loaded = ({_rule(one) for one in tree.inhibit_rules} for tree in (ours, theirs))
    for one in sorted(wanted - loaded):
        yield f"inhibit rule not loaded: {one}"
    for one in sorted(loaded - wanted):
        yield f"inhibit rule loaded, and not in the repository: {one}"


def _rule(one: InhibitRule) -> str:
    source, target = (
        ", ".join(sorted(map(str, several)))
        for several in (one.source_matchers, one.target_matchers)
    )
    return f"{source} hides {target} where {', '.join(sorted(one.equal))} is equal"


def _of_intervals(ours: RouteTree, theirs: RouteTree) -> Iterator[str]:
    for name in sorted(ours.time_intervals.keys() | theirs.time_intervals.keys()):
        if ours.time_intervals.get(name) != theirs.time_intervals.get(name):
            yield f"time interval {name} differs"


def _of_settings(ours: Any, theirs: Any) -> Iterator[str]:
    """Compare what a file sets with what is loaded: global settings, templates and receivers."""
    for key in ("global", "templates"):
        if ours.get(key) is not None:
            yield from _missing(ours[key], theirs.get(key), key)
    wanted, loaded = (
        {one["name"]: one for one in each.get("receivers") or ()} for each in (ours, theirs)
    )
    for name in sorted(loaded.keys() - wanted.keys()):
        yield f"receiver {name} is loaded, and not in the repository"
    for name, receiver in wanted.items():
        if name not in loaded:
            yield f"receiver {name} is not loaded"
            continue
        for kind in sorted(receiver.keys() | loaded[name].keys()):
            where = f"receiver {name}: {kind}"
            if kind.endswith("_configs"):
                both = (receiver.get(kind) or [], loaded[name].get(kind) or [])
                yield from _of_integrations(where, *both)
            elif kind in receiver:  # what Alertmanager adds of itself, such as `labels`, is not
                yield from _missing(receiver[kind], loaded[name].get(kind), where)


def _of_integrations(where: str, ours: list[Any], theirs: list[Any]) -> Iterator[str]:
    if len(ours) != len(theirs):
        yield f"{where}: {len(theirs)} are loaded, in the repository {len(ours)}"
        return
    for one, other in zip(ours, theirs, strict=True):
        yield from _missing(one, other, where)


def _missing(ours: Any, theirs: Any, where: str) -> Iterator[str]:
    """Yield what a file sets and is not loaded so; what is loaded besides are defaults."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key, value in ours.items():
            yield from _missing(value, theirs.get(key), f"{where}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _missing(one, other, f"{where}[{number}]")
    elif not _equal(ours, theirs):
        yield f"{where} is loaded as {theirs!r:.60}, in the repository {ours!r:.60}"


def _equal(ours: Any, theirs: Any) -> bool:
    if ours == theirs or theirs == HIDDEN:
        return True
    one, other = str(ours), str(theirs)
    if other.endswith(f"/{one}"):  # a path, which Alertmanager shows from the root
        return True
    try:
        return parse_duration(one) == parse_duration(other)
    except DurationError:
        return False


def _plain(text: str, source: str) -> Any:
    try:
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        raise NotSeen(f"{source} is no YAML: {' '.join(str(error).split())}") from error


def judge_routing(seen: LoadedRouting | Missing, text: str, source: str) -> Verdict:
    """Judge that the routing in force is that of a file with this text."""
    claim = "the routing in force is that of the repository"
    expected = f"what {source} says"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    if seen.hash is not None and seen.hash == config_hash(text.encode()):
        return of(claim, expected, "the same file, by its hash", "")
    found = differences(text, seen.text, source)
    look = f"amtool check-config {source}, then reload Alertmanager"
    return of(claim, expected, "another file that says the same", listed(found), look)
