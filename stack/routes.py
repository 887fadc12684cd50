"""Alertmanager's route tree, as frozen data that answers where an alert goes and what mutes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from stack.destinations import channels_of
from stack.matchers import Matcher, MatcherError, matches, parse_matchers
from stack.time_intervals import TimeInterval, holds, read_time_intervals
from stack.yamlfile import ConfigurationError, key_line, line_of, read_duration, read_yaml

__all__ = [
    "DEFAULT_GROUP_INTERVAL",
    "DEFAULT_GROUP_WAIT",
    "DEFAULT_REPEAT_INTERVAL",
    "InhibitRule",
    "MatchedRoute",
    "Route",
    "RouteError",
    "RouteTree",
    "load_routes",
]

# Alertmanager's `DefaultRouteOpts` (dispatch/route.go).
DEFAULT_GROUP_WAIT = timedelta(seconds=30)
DEFAULT_GROUP_INTERVAL = timedelta(minutes=5)
DEFAULT_REPEAT_INTERVAL = timedelta(hours=4)


class RouteError(ConfigurationError):
    """An Alertmanager file can't be used; the message starts with `file:line`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedRoute:
    """A route that takes an alert, with everything that it inherits resolved.

    `group_by` is `("...",)` when alerts are not grouped at all. `path` says where the route is
    (`route.routes[1]`), `line` in which line it starts. `muted_in` and `active_in` name time
    intervals; upstream, no route inherits those.
    """

    receiver: str
    group_by: tuple[str, ...]
    group_wait: timedelta
    group_interval: timedelta
    repeat_interval: timedelta
    matchers: tuple[Matcher, ...]
    path: str
    line: int
    muted_in: tuple[str, ...] = ()
    active_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A node of the tree; `settings` holds what it would do with an alert that stops here."""

    settings: MatchedRoute
    continue_: bool
    routes: tuple[Route, ...]

    def take(self, labels: Mapping[str, str]) -> tuple[MatchedRoute, ...]:
        """Return the routes at or below this one that take an alert (`Route.Match` upstream)."""
        if not matches(self.settings.matchers, labels):
            return ()
        taken: list[MatchedRoute] = []
        for child in self.routes:
            below = child.take(labels)
            taken.extend(below)
            if below and not child.continue_:
                break
        return tuple(taken) or (self.settings,)


@dataclass(frozen=True, slots=True, kw_only=True)
class InhibitRule:
    """An alert on the source side mutes those on the target side with equal labels."""

    source_matchers: tuple[Matcher, ...]
    target_matchers: tuple[Matcher, ...]
    equal: tuple[str, ...]
    line: int

    def inhibits(self, source: Mapping[str, str], target: Mapping[str, str]) -> bool:
        """Tell whether a firing alert `source` mutes `target` by this rule.

        Labels missing on both sides are equal. As upstream does, an alert that matches both sides
        is not muted by another that matches both, so that no alert mutes itself.
        """
        both = matches(self.source_matchers, target) and matches(self.target_matchers, source)
        return (
            matches(self.source_matchers, source)
            and matches(self.target_matchers, target)
            and not both
            and all(source.get(name, "") == target.get(name, "") for name in self.equal)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTree:
    """Where alerts go. `receivers` are the names that the file defines, in its order.

    `channels` are, for each receiver, the names that histories have for where it delivers to.
    """

    root: Route
    inhibit_rules: tuple[InhibitRule, ...]
    receivers: tuple[str, ...]
    source: str
    channels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    time_intervals: Mapping[str, tuple[TimeInterval, ...]] = field(default_factory=dict)

    @property
    def routes(self) -> tuple[MatchedRoute, ...]:
        """Every node of the tree, the root first."""

        def below(route: Route) -> tuple[MatchedRoute, ...]:
            return (route.settings, *(each for child in route.routes for each in below(child)))

        return below(self.root)

    def route_for(self, labels: Mapping[str, str]) -> tuple[MatchedRoute, ...]:
        """Return the routes that take an alert with `labels`; never empty: the root takes all."""
        return self.root.take(labels)

    def muted(self, labels: Mapping[str, str], at: datetime) -> bool:
        """Tell whether the calendar keeps an alert from all of its receivers at an instant."""
        return all(self._mutes(route, at) for route in self.route_for(labels))

    def _mutes(self, route: MatchedRoute, at: datetime) -> bool:
        def now(name: str) -> bool:
            return holds(self.time_intervals[name], at)

        active = not route.active_in or any(now(name) for name in route.active_in)
        return not active or any(now(name) for name in route.muted_in)

    def with_lines_of(self, original: RouteTree) -> RouteTree:
        """Return this tree with the lines and name of the file that it was derived from."""
        rules = zip(self.inhibit_rules, original.inhibit_rules, strict=True)
        return replace(
            self,
            root=_with_lines_of(self.root, original.root),
            inhibit_rules=tuple(replace(rule, line=other.line) for rule, other in rules),
            source=original.source,
        )


def load_routes(text: str, source: str = "<alertmanager>") -> RouteTree:
    """Read the routes and inhibit rules of an Alertmanager configuration file.

    Raises RouteError (`source:line: ...`) for a bad matcher or duration, a route without a
    receiver, and a receiver that is not defined.
    """
    document = read_yaml(text, source)
    if not isinstance(document.get("route"), CommentedMap):
        raise RouteError(f"{source}:1: there is no `route:`")
    receivers = {
        str(each.get("name")): channels_of(each) for each in _maps(document, "receivers", source)
    }
    intervals = read_time_intervals(document, source)
    inherited = MatchedRoute(
        receiver="",
        group_by=(),
        group_wait=DEFAULT_GROUP_WAIT,
        group_interval=DEFAULT_GROUP_INTERVAL,
        repeat_interval=DEFAULT_REPEAT_INTERVAL,
        matchers=(),
        path="route",
        line=0,
    )
    names = _Names(receivers=tuple(receivers), intervals=tuple(intervals))
    return RouteTree(
        root=_route(document["route"], inherited, "route", source, names),
        inhibit_rules=tuple(
            InhibitRule(
                source_matchers=_matchers(raw, "source_", source),
                target_matchers=_matchers(raw, "target_", source),
                equal=tuple(str(name) for name in raw.get("equal") or ()),
                line=line_of(raw),
            )
            for raw in _maps(document, "inhibit_rules", source)
        ),
        receivers=names.receivers,
        source=source,
        channels=receivers,
        time_intervals=intervals,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """What a route may name."""

    receivers: tuple[str, ...]
    intervals: tuple[str, ...]


def _route(raw: CommentedMap, parent: MatchedRoute, path: str, source: str, names: _Names) -> Route:
    line = line_of(raw)
    receiver = str(raw.get("receiver") or parent.receiver)
    if receiver not in names.receivers:
        what = (
            f"names receiver {receiver!r}, which is not defined" if receiver else "has no receiver"
        )
        raise RouteError(f"{source}:{line}: {path} {what}")
    group_by = raw.get("group_by")
    settings = MatchedRoute(
        receiver=receiver,
        group_by=parent.group_by if group_by is None else tuple(str(name) for name in group_by),
        group_wait=read_duration(raw, "group_wait", source, parent.group_wait),
        group_interval=read_duration(raw, "group_interval", source, parent.group_interval),
        repeat_interval=read_duration(raw, "repeat_interval", source, parent.repeat_interval),
        matchers=_matchers(raw, "", source),
        path=path,
        line=line,
        muted_in=_intervals(raw, "mute_time_intervals", path, source, names),
        active_in=_intervals(raw, "active_time_intervals", path, source, names),
    )
    return Route(
        settings=settings,
        continue_=bool(raw.get("continue", False)),
        routes=tuple(
            _route(child, settings, f"{path}.routes[{number}]", source, names)
            for number, child in enumerate(_maps(raw, "routes", source))
        ),
    )


def _intervals(
    raw: CommentedMap, key: str, path: str, source: str, names: _Names
) -> tuple[str, ...]:
    found = tuple(str(name) for name in raw.get(key) or ())
    for name in found:
        if name not in names.intervals:
            raise RouteError(
                f"{source}:{key_line(raw, key)}: {path} names time interval {name!r}, which is not "
                f"defined; there are {', '.join(names.intervals) or 'none'}"
            )
    return found


def _matchers(raw: CommentedMap, prefix: str, source: str) -> tuple[Matcher, ...]:
    """Read `matchers`, and the older `match` and `match_re`, which Alertmanager still accepts."""
    found: list[Matcher] = []
    key = f"{prefix}match"
    try:
        for name, value in (raw.get(key) or {}).items():
            found.append(Matcher(name=str(name), operator="=", value=str(value)))
        key = f"{prefix}match_re"
        for name, value in (raw.get(key) or {}).items():
            found.append(Matcher(name=str(name), operator="=~", value=str(value)))
        key = f"{prefix}matchers"
        for text in raw.get(key) or ():
            found.extend(parse_matchers(str(text)))
    except MatcherError as error:
        raise RouteError(f"{source}:{key_line(raw, key)}: {error}") from error
    return tuple(found)


def _maps(raw: CommentedMap, key: str, source: str) -> tuple[CommentedMap, ...]:
    value: Any = raw.get(key)
    if value is None:
        return ()
    if not isinstance(value, CommentedSeq) or not all(
        isinstance(each, CommentedMap) for each in value
    ):
        raise RouteError(f"{source}:{key_line(raw, key)}: `{key}:` must be a list of mappings")
    return tuple(value)


def _with_lines_of(route: Route, original: Route) -> Route:
    return replace(
        route,
        settings=replace(route.settings, line=original.settings.line),
        routes=tuple(
            _with_lines_of(child, other)
            for child, other in zip(route.routes, original.routes, strict=True)
        ),
    )
