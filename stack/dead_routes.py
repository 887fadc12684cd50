"""What a routing file says in vain: routes, receivers, inhibitions and intervals that nothing uses.

Design rule: a pure function of the tree and of the alerts' labels, which returns sentences, each
with `file:line` where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stack.matchers import matches
from stack.routes import RouteTree

__all__ = ["dead_parts", "lacking_labels"]


def dead_parts(tree: RouteTree, alerts: Sequence[Mapping[str, str]]) -> list[str]:
    """Return what no alert of `alerts` (their labels, `alertname` among them) ever uses.

    The root is the net below the others: that it takes nothing is as it should be, and an alert
    that it does take is one that no route knows. Its receiver counts as used.
    """
    at = tree.source
    taken = [(alert, route) for alert in alerts for route in tree.route_for(alert)]
    root, *others = tree.routes
    used = {route.path for _, route in taken}
    parents = {path.rpartition(".")[0] for path in used}
    problems = [
        f"{at}:{route.line}: {route.path} (receiver {route.receiver!r}) takes no alert"
        for route in others
        if route.path not in used | parents
    ]
    problems += [
        f"{at}:{root.line}: no route knows {alert.get('alertname')}, so it falls to the root"
        for alert, route in taken
        if route == root
    ]
    named = {route.receiver for route in tree.routes}
    problems += [
        f"{at}: no route names receiver {receiver!r}"
        for receiver in tree.receivers
        if receiver not in named
    ]
    problems += [
        f"{at}: receiver {receiver!r} tells nobody"
        for receiver in tree.receivers
        if receiver in tree.channels and not tree.channels[receiver]
    ]
    for rule in tree.inhibit_rules:
        for side, matchers in (
            ("source", rule.source_matchers),
            ("target", rule.target_matchers),
        ):
            if not any(matches(matchers, alert) for alert in alerts):
                said = ", ".join(str(matcher) for matcher in matchers)
                problems.append(f"{at}:{rule.line}: no alert is this inhibition's {side}: {said}")
    muting = {name for route in tree.routes for name in (*route.muted_in, *route.active_in)}
    problems += [
        f"{at}: no route uses time interval {name!r}"
        for name in tree.time_intervals
        if name not in muting
    ]
    return problems


def lacking_labels(tree: RouteTree, alerts: Sequence[Mapping[str, str]]) -> list[str]:
    """Return which alerts lack a label that their route groups by or an inhibition needs equal.

    Labels that are missing on both sides are equal to Alertmanager: other services would be hushed.
    """
    equal = {name for rule in tree.inhibit_rules for name in rule.equal}
    problems: list[str] = []
    for alert in alerts:
        grouped = {name for route in tree.route_for(alert) for name in route.group_by}
        problems += [
            f"{alert.get('alertname')} has no label {name!r}"
            for name in sorted((grouped | equal) - {"..."})
            if not alert.get(name)
        ]
    return problems
