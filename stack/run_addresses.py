"""What is different for each run, and nothing else: where its own parts are, and its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["RunAddresses"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAddresses:
    """The addresses of one run's targets, its two watchers and the receivers' doubles.

    `prometheus_targets_glob` is the pattern of file discovery; `prometheus`, `alertmanager` and
    `smtp_smarthost` are `host:port`; `secrets_directory` holds files with the names that
    production's have. `drill_run` is what every alert of the run is marked with, "" for none.
    """

    prometheus_targets_glob: Path
    prometheus: str
    alertmanager: str
    pagerduty_url: str
    smtp_smarthost: str
    smtp_ca_file: Path
    secrets_directory: Path
    drill_run: str = ""
