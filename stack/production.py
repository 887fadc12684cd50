"""Production files are named in one place and read from there; nothing here writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Production", "production_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """The three files that production runs, from which every drill derives its own copies.

    `relabel` are steps of `metric_relabel_configs` that a drill's job of services has beside
    production's, where an application exposes metrics under names of its own.
    """

    rules: Path
    prometheus: Path
    alertmanager: Path
    relabel: tuple[Mapping[str, object], ...] = ()

    @property
    def templates(self) -> Path:
        """The folder of the notifications' templates, beside the file that names them."""
        return self.alertmanager.parent / "templates"


def production_files() -> Production:
    """Return the files beside this module, under the names that operators know."""
    room = Path(__file__).resolve().parent
    return Production(
        rules=room / "alert-rules.yml",
        prometheus=room / "prometheus-config.yml",
        alertmanager=room / "alertmanager-config.yml",
    )
