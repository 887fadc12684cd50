"""Who a stack's Prometheus and Alertmanager are: this run's own, or somebody else's.

One rule: the one place above the launchers where that makes a difference; a drill never knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from scenarios.budget import ALLOWANCE
from scenarios.settings import Settings
from stack.derive import Derived
from stack.external.model import place_of
from stack.launch.external import ExternalStack
from stack.launch.monitoring import MonitoringStack, Setup
from stack.launch.premises import Premises
from stack.ports import Place
from stack.windows import check_visible

PORTS = (("prometheus", 9090), ("alertmanager", 9093))
"""Where the two listen in a container, which has an address of its own."""


def places(settings: Settings, premises: Premises, prefix: str) -> tuple[Place, Place]:
    """Return where Prometheus and Alertmanager are scraped."""
    if external := settings.external:
        return place_of(external.prometheus.url), place_of(external.alertmanager.url)
    prometheus, alertmanager = (premises.place(prefix + name, port) for name, port in PORTS)
    return prometheus, alertmanager


def as_seen(derived: Derived, settings: Settings) -> Derived:
    """Return the configuration with how late its samples are seen.

    Raises:
        ConfigurationError: so late that a window would be as good as empty.
    """
    if settings.external is None:
        return derived
    hidden = settings.external.visible_after
    check_visible(
        derived.production_rules,
        derived.time_scale,
        hidden,
        scrape_interval=derived.scrape_interval,
    )
    return replace(derived, visible_after=hidden)


def seen_within(derived: Derived) -> timedelta | None:
    """Return how old the newest sample of a service may be, by what bounds grant; None for any."""
    if not derived.visible_after:
        return None
    return derived.visible_after + derived.scrape_interval + ALLOWANCE


def polls(settings: Settings) -> bool:
    """Return whether alerts are asked for, where the samples of ``ALERTS`` tell too little."""
    return settings.external is not None and not settings.external.writes_alerts


def monitoring(
    settings: Settings,
    premises: Premises,
    run: Derived,
    rules_yaml: str,
    directory: Path,
    both: Sequence[Place],
    *,
    name_prefix: str,
) -> MonitoringStack:
    """Return the stack that runs ``run`` with these rules to begin with; nothing is started."""
    prometheus, alertmanager = both
    setup = Setup(
        prometheus_yaml=run.prometheus_yaml,
        rules_yaml=rules_yaml,
        alertmanager_yaml=run.alertmanager_yaml,
        prometheus_flags=run.prometheus_flags,
        alertmanager_flags=run.alertmanager_flags,
        directory=directory,
        prometheus_place=prometheus,
        alertmanager_place=alertmanager,
        name_prefix=name_prefix,
    )
    if settings.external:
        return ExternalStack(settings.external, premises, setup)
    return MonitoringStack(premises, setup)
