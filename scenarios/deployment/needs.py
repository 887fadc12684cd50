"""What a check needs to be told, before it can look at anything.

One rule: decided from what was asked alone; what was named and does not answer is judged, never
left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from scenarios.deployment.target import DeploymentTarget

TARGET = "target"
PROMETHEUS = "prometheus-url"
ALERTMANAGER = "alertmanager-url"
ELASTICSEARCH = "elasticsearch-url"
GRAFANA = "grafana-url"
KIBANA = "kibana-url"
SECRETS = "secrets"
LOG_DIRECTORY = "log-directory"
PAGE_TEST = "page-test"
CONFIRM = "confirm"

INDISPENSABLE = (TARGET, PROMETHEUS, ALERTMANAGER)
"""Without these a gate would say PASS of nothing: it does not begin."""

WISHES = frozenset({PAGE_TEST, CONFIRM})
"""What is done only for who asks for it: left out, there is nothing to tell of."""

_GIVEN: Mapping[str, Callable[[DeploymentTarget], object]] = MappingProxyType(
    {
        TARGET: lambda target: target.services,
        PROMETHEUS: lambda target: target.watchers.get("prometheus"),
        ALERTMANAGER: lambda target: target.watchers.get("alertmanager"),
        ELASTICSEARCH: lambda target: target.elasticsearch,
        GRAFANA: lambda target: target.watchers.get("grafana"),
        KIBANA: lambda target: target.watchers.get("kibana"),
        SECRETS: lambda target: target.secrets_directory,
        LOG_DIRECTORY: lambda target: target.log_directory,
        PAGE_TEST: lambda target: target.page_test,
        CONFIRM: lambda target: target.page_test and target.page_test.confirm,
    }
)

NEEDS = tuple(_GIVEN)
"""The name of each is that of the option that gives it, without the dashes."""


def lacks(target: DeploymentTarget, need: str) -> bool:
    """Tell whether this was not named."""
    return not _GIVEN[need](target)


def why_lacking(need: str) -> str:
    """Return what was not named, and how it would be."""
    return f"no --{need} is given"
