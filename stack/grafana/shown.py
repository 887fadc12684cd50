"""What a dashboard shows, as it can be compared: its panels' titles, and what each of them asks.

Design rule: a file and Grafana's answer are read alike, and by no schema: Grafana adds to what it
was given, and writes it in a schema of its own version.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.grafana.dashboards import DASHBOARDS, DashboardError, each_of

__all__ = ["Shown", "ShownPanel", "ShownQuery", "load_shown", "read_answer", "read_shown"]

_APART = frozenset({"datasource", "refId"})
"""What a query says of itself besides its question."""

_NOTHING: tuple[object, ...] = (None, "", [], {})
"""What is the same as not being there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownQuery:
    """One question of a panel.

    Attributes:
        ref_id: its name within the panel.
        source: the uid of the data source.
        settings: all else that it sets, each value as one text; what is empty is left out.
    """

    ref_id: str
    source: str
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPanel:
    """One panel, or the heading of a row, which asks nothing."""

    title: str
    queries: tuple[ShownQuery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One dashboard; the panels of a row that is folded are among its panels."""

    uid: str
    title: str
    panels: tuple[ShownPanel, ...]


def load_shown(folder: Path = DASHBOARDS) -> tuple[Shown, ...]:
    """Return every dashboard of `folder`, by the files' names.

    Raises DashboardError for a file that is no dashboard, and for a folder without any.
    """
    return each_of(folder, read_shown)


def read_shown(text: str, source: str) -> Shown:
    """Read the file of a dashboard. Raises DashboardError."""
    return _shown(_json(text, source), source)


def read_answer(text: str, source: str) -> Shown:
    """Read what `GET /api/dashboards/uid/UID` answers. Raises DashboardError."""
    answer = _json(text, source)
    try:
        return _shown(answer["dashboard"], source)
    except (KeyError, TypeError) as error:
        raise DashboardError(f"{source}:1: not what Grafana answers: {error!r}") from error


def _json(text: str, source: str) -> Any:
    try:
        return json.loads(text, parse_float=_number)
    except json.JSONDecodeError as error:
        raise DashboardError(f"{source}:{error.lineno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise DashboardError(f"{source}:1: deeper than any dashboard") from error


def _number(text: str) -> float | int:
    """Return a number as Grafana writes it back: 10.0 becomes 10."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _shown(raw: Any, source: str) -> Shown:
    try:
        return Shown(
            uid=str(raw["uid"]), title=str(raw["title"]), panels=tuple(_panels(raw["panels"]))
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DashboardError(f"{source}:1: not a dashboard of panels: {error!r}") from error


def _panels(several: Any) -> Iterator[ShownPanel]:
    for one in several:
        yield ShownPanel(title=str(one.get("title", "")), queries=tuple(_queries(one)))
        yield from _panels(one.get("panels") or ())


def _queries(panel: Any) -> Iterator[ShownQuery]:
    for one in panel.get("targets") or ():
        settings = {
            key: _text(value)
            for key, value in one.items()
            if key not in _APART and value is not False and value not in _NOTHING
        }
        yield ShownQuery(
            ref_id=str(one.get("refId", "")),
            source=_uid(one.get("datasource") or panel.get("datasource")),
            settings=settings,
        )


def _uid(source: Any) -> str:
    """Return the uid of a data source, which old schemas name by a text."""
    return str(source.get("uid", "")) if isinstance(source, dict) else str(source or "")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
