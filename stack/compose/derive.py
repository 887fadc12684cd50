"""Prometheus's configuration for containers: production's, with addresses that lead out of its own.

Design rule: it is made anew of production's file at each start and kept nowhere else, so it can't
drift; and an address that would lead nowhere in a container is an error with its line.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from stack.yamlfile import ConfigurationError, line_of, read_yaml, write_yaml

__all__ = ["for_containers", "scraped"]

_OWN = "127.0.0.1:9090"
"""Prometheus scrapes itself on the loopback address, in a container as anywhere."""
_ELSEWHERE = {"127.0.0.1:9093": "alertmanager:9093"}
_LOOPBACK = ("127.", "localhost:", "[::1]:")


def for_containers(text: str, *, source: str) -> str:
    """Return the configuration with the other services' names in place of loopback addresses.

    Raises ConfigurationError for a loopback address that no service is known for, and for a
    configuration that sends its alerts nowhere known.
    """
    document = read_yaml(text, source)
    found = set()
    for targets in _targets(document):
        for number, target in enumerate(targets):
            if target in _ELSEWHERE:
                targets[number] = type(target)(_ELSEWHERE[target])
                found.add(target)
            elif target != _OWN and str(target).startswith(_LOOPBACK):
                raise ConfigurationError(
                    f"{source}:{line_of(targets)}: {target} is Prometheus itself in a container; "
                    "give it a service's name in stack/compose/derive.py"
                )
    if missing := _ELSEWHERE.keys() - found:
        raise ConfigurationError(
            f"{source}:1: names no {', '.join(sorted(missing))}, which is another service in "
            "containers; adapt stack/compose/derive.py"
        )
    return write_yaml(document)


def scraped(text: str, left_out: Collection[str], *, source: str) -> str:
    """Return a file of targets less those of services that are left out.

    Raises ConfigurationError for what is no list of targets.
    """
    groups = read_yaml(f"groups:\n{text}", source)["groups"]  # a mapping is what is read there
    if not isinstance(groups, CommentedSeq):
        raise ConfigurationError(f"{source}:1: expected a list of targets")
    for targets in _targets(groups):
        targets[:] = [one for one in targets if str(one).partition(":")[0] not in left_out]
    # JSON is YAML, and who reads this is Prometheus alone.
    return json.dumps([group for group in groups if group["targets"]], indent=1)


def _targets(node: object) -> Iterator[CommentedSeq]:
    """Yield each list of targets, wherever it stands."""
    if isinstance(node, CommentedMap):
        for key, value in node.items():
            if key == "targets" and isinstance(value, CommentedSeq):
                yield value
            else:
                yield from _targets(value)
    elif isinstance(node, CommentedSeq):
        for each in node:
            yield from _targets(each)
