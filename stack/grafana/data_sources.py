"""The data sources that Grafana is given: `provisioning/datasources/`, by their uids.

Design rule: read is what others name, no address and no secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stack.yamlfile import ConfigurationError, read_yaml

__all__ = ["DATA_SOURCES", "DataSource", "load_data_sources"]

DATA_SOURCES = Path(__file__).resolve().parent / "provisioning" / "datasources"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """One data source; `type` is the id of Grafana's plugin for it."""

    uid: str
    name: str
    type: str


def load_data_sources(folder: Path = DATA_SOURCES) -> tuple[DataSource, ...]:
    """Return the data sources of every file of `folder`, in their order.

    Raises ConfigurationError for a file that holds none, for one without uid, which no panel could
    name, and for a folder without any.
    """
    found: list[DataSource] = []
    for path in sorted(folder.glob("*.yml")):
        raw = read_yaml(path.read_text(encoding="utf-8"), path.name)
        try:
            found += [
                DataSource(uid=str(one["uid"]), name=str(one["name"]), type=str(one["type"]))
                for one in raw["datasources"]
            ]
        except (KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{path.name}:1: needs `datasources`, each with `uid`, `name` and `type`: {error!r}"
            ) from error
    if not found:
        raise ConfigurationError(f"{folder}:1: there is no data source in it, a *.yml")
    return tuple(found)
