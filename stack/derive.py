"""A drill's configuration is derived from production's, and every difference is listed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from stack.derive_alertmanager import Mute, derive_alertmanager
from stack.derive_prometheus import derive_prometheus
from stack.drill_files import RULES
from stack.drill_labels import mark_alerts
from stack.durations import divide, format_duration
from stack.production import Production
from stack.routes import RouteTree, load_routes
from stack.rules import RuleSet, load_rules
from stack.run_addresses import RunAddresses
from stack.timescale import Change, check_time_scale, scale_rules

__all__ = [
    "DISCOVERY_TICK",
    "FEATURES_FLAG",
    "LOOKBACK_SCRAPES",
    "RETENTION_FLAG",
    "Derived",
    "Mute",
    "RunAddresses",
    "derive",
]

DISCOVERY_TICK = timedelta(seconds=5)
"""Real time between updates from service discovery.

Fixed in Prometheus (`updatert: 5 * time.Second` in discovery/manager.go), so it is not scaled.
"""

RETENTION_FLAG = "--storage.tsdb.retention.time=30d"
"""What production keeps. A drill is over long before it matters, so it is not scaled."""

FEATURES_FLAG = "--enable-feature=extra-scrape-metrics"
"""Prometheus then tells each target's time-out and sample limit, which alerts on scrapes need."""

LOOKBACK_SCRAPES = 4
"""How many scrape intervals the lookback must reach, so that one late scrape makes no gap."""

# Flag and its default, which production leaves alone (`prometheus --help`, 3.5).
_RESEND_FLAG = "--rules.alert.resend-delay"
_PROMETHEUS_FLAGS = {
    _RESEND_FLAG: timedelta(minutes=1),
    "--rules.alert.for-grace-period": timedelta(minutes=10),
    "--rules.alert.for-outage-tolerance": timedelta(hours=1),
}
_LOOKBACK_FLAG, _LOOKBACK = "--query.lookback-delta", timedelta(minutes=5)
# The same for Alertmanager (`alertmanager --help`, 0.33). All of them exist since 0.22.
_ALERTMANAGER_FLAGS = {
    "--data.maintenance-interval": timedelta(minutes=15),
    "--alerts.gc-interval": timedelta(minutes=30),
    "--cluster.peer-timeout": timedelta(seconds=15),
    "--cluster.settle-timeout": timedelta(minutes=1),
    "--cluster.pushpull-interval": timedelta(minutes=1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """Everything that a drill's Prometheus and Alertmanager are started with.

    `rules` and `route_tree` are what the scaled files say; `production_rules` what production's do.
    Lines in both are those of the production files. `evaluation_interval` is the longest of
    any rule group that is taken, `watcher_interval` that at which Prometheus and Alertmanager are
    scraped. `sample_limit` is how many samples a scrape of the drill's targets may yield, 0 any
    number. `resend_delay` is how often an alert that fires is sent to Alertmanager again.
    `discovery_tick` is real time at every scale; so is `visible_after`, for how long the newest
    samples may be hidden from queries and rules, which Prometheus never does. `changes` lists every
    difference.
    """

    time_scale: float
    rules: RuleSet
    production_rules: RuleSet
    rules_yaml: str
    prometheus_yaml: str
    alertmanager_yaml: str
    prometheus_flags: tuple[str, ...]
    alertmanager_flags: tuple[str, ...]
    scrape_interval: timedelta
    scrape_timeout: timedelta
    sample_limit: int
    evaluation_interval: timedelta
    watcher_interval: timedelta
    resend_delay: timedelta
    discovery_tick: timedelta
    route_tree: RouteTree
    changes: tuple[Change, ...]
    visible_after: timedelta = timedelta(0)


def derive(
    production: Production,
    *,
    time_scale: float,
    run: RunAddresses,
    groups: Collection[str] | None = None,
    mute: Mute = "never",
) -> Derived:
    """Derive a drill's configuration by dividing production's durations by `time_scale`.

    Of the rules only `groups` are taken (None: all); those left out are listed as changes, and
    stand in neither `rules` nor `production_rules`.

    At 1 only addresses, paths, what would reach third parties and the calendar differ: by `mute`,
    routes with time intervals are never muted, always, or at production's hours. The rules must be
    written as `stack.drill_files.RULES`, beside the derived Prometheus configuration.
    Production files are read and never written. Raises ConfigurationError (`file:line: ...`) for
    what can't be derived, OSError for a file that can't be read.
    """
    check_time_scale(time_scale)
    prometheus = derive_prometheus(
        production.prometheus.read_text(encoding="utf-8"),
        source=_shown(production.prometheus),
        rules_name=RULES,
        k=time_scale,
        run=run,
        relabel=production.relabel,
    )
    rules_text = production.rules.read_text(encoding="utf-8")
    rules_source = _shown(production.rules)
    scaled = scale_rules(
        rules_text,
        time_scale,
        scrape_interval=prometheus.production_scrape_interval,
        source=rules_source,
        groups=groups,
    )
    production_rules = load_rules(rules_text, rules_source)
    if groups is not None:
        production_rules = production_rules.only(groups)
    rules_yaml = scaled.text
    marks: tuple[Change, ...] = ()
    if run.drill_run:
        rules_yaml, marks = mark_alerts(scaled.text, run.drill_run, source=rules_source)
    rules = load_rules(rules_yaml, rules_source).with_lines_of(production_rules)
    alertmanager_text = production.alertmanager.read_text(encoding="utf-8")
    alertmanager_source = _shown(production.alertmanager)
    production_routes = load_routes(alertmanager_text, alertmanager_source)
    alertmanager = derive_alertmanager(
        alertmanager_text,
        source=alertmanager_source,
        directory=production.alertmanager.parent,
        k=time_scale,
        run=run,
        mute=mute,
    )
    route_tree = load_routes(alertmanager.text, f"{alertmanager_source} (derived)")
    intervals = [group.interval for group in rules.groups if group.interval is not None]
    lookback = _lookback(time_scale, prometheus.scrape_interval)
    prometheus_flags, prometheus_flag_changes = _flags(
        "prometheus flags",
        {**_PROMETHEUS_FLAGS, _LOOKBACK_FLAG: _LOOKBACK},
        lambda flag, value: lookback if flag == _LOOKBACK_FLAG else divide(value, time_scale),
    )
    alertmanager_flags, alertmanager_flag_changes = _flags(
        "alertmanager flags", _ALERTMANAGER_FLAGS, lambda _, value: divide(value, time_scale)
    )
    return Derived(
        time_scale=time_scale,
        rules=rules,
        production_rules=production_rules,
        rules_yaml=rules_yaml,
        prometheus_yaml=prometheus.text,
        alertmanager_yaml=alertmanager.text,
        prometheus_flags=(RETENTION_FLAG, FEATURES_FLAG, *prometheus_flags),
        alertmanager_flags=alertmanager_flags,
        scrape_interval=prometheus.scrape_interval,
        scrape_timeout=prometheus.scrape_timeout,
        sample_limit=prometheus.sample_limit,
        evaluation_interval=max([prometheus.evaluation_interval, *intervals]),
        watcher_interval=prometheus.watcher_interval,
        resend_delay=divide(_PROMETHEUS_FLAGS[_RESEND_FLAG], time_scale),
        discovery_tick=DISCOVERY_TICK,
        route_tree=route_tree.with_lines_of(production_routes),
        changes=(
            *scaled.changes,
            *marks,
            *prometheus.changes,
            *prometheus_flag_changes,
            *alertmanager.changes,
            *alertmanager_flag_changes,
        ),
    )


def _shown(path: Path) -> str:
    """Return `path` as a person in the working directory would write it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _lookback(k: float, scrape_interval: timedelta) -> timedelta:
    """Divide the lookback, but keep it at LOOKBACK_SCRAPES scrapes, and below production's."""
    return min(_LOOKBACK, max(divide(_LOOKBACK, k), LOOKBACK_SCRAPES * scrape_interval))


def _flags(
    file: str,
    production: dict[str, timedelta],
    scaled: Callable[[str, timedelta], timedelta],
) -> tuple[tuple[str, ...], tuple[Change, ...]]:
    flags: list[str] = []
    changes: list[Change] = []
    for flag, value in production.items():
        before, after = format_duration(value), format_duration(scaled(flag, value))
        flags.append(f"{flag}={after}")
        if before != after:
            changes.append(Change(file=file, where=flag, production=before, drill=after))
    return tuple(flags), tuple(changes)
