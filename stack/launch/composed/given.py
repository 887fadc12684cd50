"""What production's `prepare` and the watchers are given in a run, in place of production's files.

Design rule: what is secret lies in a folder of its owner's alone, and `prepare` gives it away; all
else that another user's container reads is readable by everybody, or refused in one line.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.compose.credentials import CREDENTIALS
from stack.drill_files import ALERTMANAGER_CONFIG, PROMETHEUS_CONFIG, RULES
from stack.launch.composed.put_back import AUTHORITY, alertmanager_for, prometheus_for
from stack.launch.starting import LaunchError

__all__ = ["Given", "give"]

_PROMETHEUS = "prometheus-config.yml"
_ALERTMANAGER = "alertmanager-config.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Files and folders of this machine, by the path that they have inside of each container.

    Attributes:
        prepare: what the other volumes are filled with.
        prometheus, alertmanager: what is of this run alone, and in no volume.
        secrets: the folder of the secrets that Alertmanager's configuration names.
    """

    prepare: Mapping[str, Path]
    prometheus: Mapping[str, Path]
    alertmanager: Mapping[str, Path]
    secrets: Path


def give(directory: Path, home: Path, addresses: Mapping[str, str]) -> Given:
    """Put back the configuration that a drill derived into `directory`, and write it into `home`.

    `addresses` are production's own by those that the configuration has for this run.
    Raises ConfigurationError for what the compose stack has no place for, and LaunchError where
    the targets could not be read.
    """
    prometheus = prometheus_for(
        (directory / PROMETHEUS_CONFIG).read_text(encoding="utf-8"),
        addresses,
        source=PROMETHEUS_CONFIG,
    )
    alertmanager = alertmanager_for(
        (directory / ALERTMANAGER_CONFIG).read_text(encoding="utf-8"),
        [each.name for each in CREDENTIALS if each.kind == "channel"],
        source=ALERTMANAGER_CONFIG,
    )
    _make_readable(prometheus.targets)
    authority = {}
    if alertmanager.authority:
        text = alertmanager.authority.read_text(encoding="utf-8")
        authority[str(AUTHORITY)] = _for_everybody(home / AUTHORITY.name, text)
    return Given(
        prepare={
            f"/given/{_PROMETHEUS}": _for_everybody(home / _PROMETHEUS, prometheus.text),
            f"/given/{_ALERTMANAGER}": _for_everybody(home / _ALERTMANAGER, alertmanager.text),
            "/given/alert-rules.yml": directory / RULES,
            "/given/templates": alertmanager.templates,
        },
        prometheus={"/etc/prometheus/targets": prometheus.targets},
        alertmanager=authority,
        secrets=alertmanager.secrets,
    )


def _for_everybody(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)
    return path


def _make_readable(targets: Path) -> None:
    """Make the folder of the targets, which Prometheus reads as a user of its own."""
    targets.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(targets.stat().st_mode)
    if mode & stat.S_IROTH and mode & stat.S_IXOTH:
        return
    raise LaunchError(
        f"{targets} is for its owner alone (mode {mode:04o}), and production's Prometheus is "
        "another user; say `umask 022`, and begin again"
    )
