"""The command lines of engines that run a drill's rules, for whoever starts them.

Design rule: every flag that a time scale divides is computed from the derived configuration; those
that turn a delay off are written out, and each has its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from stack.derive import (
    DISCOVERY_TICK,
    LOOKBACK_SCRAPES,
    RETENTION_FLAG,
    Derived,
    RunAddresses,
    derive,
)
from stack.drill_files import ALERTMANAGER_CONFIG, PROMETHEUS_CONFIG, RULES
from stack.durations import format_duration, parse_duration
from stack.external.engine import REMEMBERED_FILTERS, VICTORIAMETRICS
from stack.production import production_files

__all__ = ["Listening", "alertmanager", "prometheus", "scaled", "victoriametrics", "vmalert"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where each part listens, as `host:port`; `rules` is Prometheus' own where it has no other."""

    prometheus: str
    rules: str
    alertmanager: str


def scaled(time_scale: float) -> Derived:
    """Return production's configuration at a time scale, without rules: for its flags.

    Raises ConfigurationError for a time scale below 1.
    """
    nowhere = Path("nowhere")
    return derive(
        production_files(),
        time_scale=time_scale,
        groups=(),
        run=RunAddresses(
            prometheus_targets_glob=nowhere,
            prometheus="",
            alertmanager="",
            pagerduty_url="",
            smtp_smarthost="",
            smtp_ca_file=nowhere,
            secrets_directory=nowhere,
        ),
    )


def victoriametrics(at: Listening, folder: Path, data: Path, derived: Derived) -> tuple[str, ...]:
    """Return the arguments of `victoria-metrics`, which scrapes, keeps and answers."""
    return (
        f"-httpListenAddr={at.prometheus}",
        f"-storageDataPath={data}",
        f"-retentionPeriod={RETENTION_FLAG.partition('=')[2]}",
        f"-promscrape.config={folder / PROMETHEUS_CONFIG}",
        # The file is Prometheus' own, with sections that are none of VictoriaMetrics' business.
        "-promscrape.config.strictParse=false",
        # It is not told of changes as Prometheus is, and looks.
        f"-promscrape.fileSDCheckInterval={format_duration(_looks_every(derived))}",
        "-search.latencyOffset=0s",  # else the newest 30 s are left out
        f"-{REMEMBERED_FILTERS}=1",  # else new series show late
    )


def vmalert(at: Listening, folder: Path, derived: Derived) -> tuple[str, ...]:
    """Return the arguments of `vmalert`, which evaluates the rules."""
    storage = f"http://{at.prometheus}"
    evaluation = format_duration(derived.evaluation_interval)
    return (
        f"-httpListenAddr={at.rules}",
        f"-rule={folder / RULES}",
        f"-datasource.url={storage}",
        f"-remoteWrite.url={storage}",
        f"-notifier.url=http://{at.alertmanager}",
        f"-evaluationInterval={evaluation}",
        "-rule.evalDelay=0s",  # else rules are evaluated 30 s in the past
        f"-datasource.queryStep={format_duration(_lookback(derived))}",
        f"-rule.resendDelay={format_duration(derived.resend_delay)}",
        f"-remoteWrite.flushInterval={evaluation}",  # else recorded series wait for 2 s more
        "-group.maxStartDelay=1ms",  # else a group waits for up to an interval; 0 is a panic
        "-disableAlertgroupLabel",  # a label that Prometheus does not add
    )


def prometheus(at: Listening, folder: Path, data: Path, derived: Derived) -> tuple[str, ...]:
    """Return the arguments of `prometheus`, which does all of it."""
    return (
        f"--config.file={folder / PROMETHEUS_CONFIG}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address={at.prometheus}",
        "--web.enable-lifecycle",  # a run asks it to read its files again
        "--web.enable-admin-api",  # a run forgets the services that it takes away
        *derived.prometheus_flags,
    )


def alertmanager(at: Listening, folder: Path, data: Path, derived: Derived) -> tuple[str, ...]:
    """Return the arguments of `alertmanager`, as a cluster of one."""
    return (
        f"--config.file={folder / ALERTMANAGER_CONFIG}",
        f"--storage.path={data}",
        f"--web.listen-address={at.alertmanager}",
        "--cluster.listen-address=",
        *derived.alertmanager_flags,
    )


def _looks_every(derived: Derived) -> timedelta:
    """Return how often changes of discovery are looked for: well within what bounds allow."""
    return min(4 * derived.scrape_interval, DISCOVERY_TICK / 2)


def _lookback(derived: Derived) -> timedelta:
    """Return how far a query looks back: at least over what is hidden, and a few scrapes more."""
    hidden = VICTORIAMETRICS.visible_after
    lookback = parse_duration(_flag(derived, "--query.lookback-delta"))
    return max(lookback, hidden + LOOKBACK_SCRAPES * derived.scrape_interval)


def _flag(derived: Derived, name: str) -> str:
    (value,) = (
        flag.partition("=")[2] for flag in derived.prometheus_flags if flag.startswith(f"{name}=")
    )
    return value
