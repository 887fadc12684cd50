"""Dashboards are read into panels and the queries that they ask, each as it can be asked elsewhere.

Design rule: past this module, and `shown` beside it, nobody looks into a dashboard's JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from stack.grafana.lucene import LuceneError, read_clauses
from stack.yamlfile import ConfigurationError

__all__ = [
    "DASHBOARDS",
    "ELASTICSEARCH",
    "PROMETHEUS",
    "VALUES",
    "Dashboard",
    "DashboardError",
    "Panel",
    "Query",
    "concrete",
    "each_of",
    "load_dashboard",
    "load_dashboards",
]

T = TypeVar("T")

DASHBOARDS = Path(__file__).resolve().parent / "dashboards"

PROMETHEUS = "prometheus"
ELASTICSEARCH = "elasticsearch"

VALUES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        PROMETHEUS: {
            "service": ".+",
            "slo": ".+",
            "__interval": "15s",
            "__range": "1h",
            "__rate_interval": "1m",
        },
        ELASTICSEARCH: {"service": "*", "request_id": "*", "objective": "0"},
    }
)
"""What stands for each variable where no Grafana is, by the kind of data source: everything, and
the intervals that Grafana chooses for a graph of the last hour when a scrape is every 15 s."""

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")
_LABEL_VALUES = re.compile(r"label_values\((?P<of>.*),\s*\w+\)", re.S)
_QUERY_RESULT = re.compile(r"query_result\((?P<of>.*)\)", re.S)


class DashboardError(ConfigurationError):
    """A dashboard can't be used; the message starts with `file:line`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question to one data source.

    Attributes:
        ref_id: its name within the panel, or `$NAME` for the question that fills a variable.
        source: the uid of the data source.
        kind: what sort of data source that is: `prometheus`, `elasticsearch`.
        text: PromQL or Lucene, with Grafana's variables in it.
        legend: what stands beside its series; "" for Grafana's own choice.
        fields: the log fields that it names.
    """

    ref_id: str
    source: str
    kind: str
    text: str
    legend: str = ""
    fields: tuple[str, ...] = ()

    @property
    def draws_a_threshold(self) -> bool:
        """Whether it is the line that others are held against: its legend begins with the sign."""
        return self.legend[:1] in {"<", ">", "=", "!"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel.

    Attributes:
        place: x, y, width and height in Grafana's grid of 24 columns.
        steps: the numbers that stand in it as thresholds.
        takes_grafanas_thresholds: whether it is coloured by Grafana's own default, for want of
            anything else.
        links: the addresses that it leads to.
    """

    id: int
    title: str
    type: str
    description: str
    place: tuple[int, int, int, int]
    queries: tuple[Query, ...]
    steps: tuple[float, ...]
    takes_grafanas_thresholds: bool
    links: tuple[str, ...]

    def overlaps(self, other: Panel) -> bool:
        """Tell whether both want the same place."""
        (left, top, width, height), (x, y, w, h) = self.place, other.place
        return left < x + w and x < left + width and top < y + h and y < top + height


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One dashboard, of one file."""

    file: str
    uid: str
    title: str
    schema_version: int
    timezone: str
    tags: tuple[str, ...]
    variables: Mapping[str, Query | None]
    panels: tuple[Panel, ...]
    keys: frozenset[str]
    """The names that stand at the top of the file."""

    def panel(self, panel_id: int) -> Panel | None:
        """Return the panel with this id, if there is one."""
        return next((panel for panel in self.panels if panel.id == panel_id), None)

    @property
    def queries(self) -> Iterator[tuple[str, Query]]:
        """Every question of the dashboard, each with where it stands, for complaints."""
        for asked in self.by_panel.values():
            yield from asked

    @property
    def by_panel(self) -> Mapping[str, Sequence[tuple[str, Query]]]:
        """The same by who asks: `variable NAME`, and the title of each panel that asks anything."""
        found: dict[str, list[tuple[str, Query]]] = {}
        for name, query in self.variables.items():
            if query is not None:
                found[f"variable {name}"] = [(f"{self.file}: variable {name}", query)]
        for panel in self.panels:
            for query in panel.queries:
                where = f"{self.file}: {panel.title}, {query.ref_id}"
                found.setdefault(panel.title, []).append((where, query))
        return found


def load_dashboards(folder: Path = DASHBOARDS) -> tuple[Dashboard, ...]:
    """Return every dashboard of `folder`, by the files' names.

    Raises DashboardError for a file that is no dashboard, and for a folder without any.
    """
    return each_of(folder, load_dashboard)


def each_of(folder: Path, read: Callable[[str, str], T]) -> tuple[T, ...]:
    """Return what `read` makes of the text and the name of each dashboard of `folder`.

    Raises DashboardError as `read` does, and for a folder without any.
    """
    found = tuple(
        read(path.read_text(encoding="utf-8"), path.name) for path in sorted(folder.glob("*.json"))
    )
    if not found:
        raise DashboardError(f"{folder}:1: there is no dashboard in it, a *.json")
    return found


def load_dashboard(text: str, file: str = "<dashboard>") -> Dashboard:
    """Read one dashboard. Raises DashboardError, which says what is missing."""
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise DashboardError(f"{file}:{error.lineno}: not JSON: {error.msg}") from error
    try:
        return Dashboard(
            file=file,
            uid=raw["uid"],
            title=raw["title"],
            schema_version=raw["schemaVersion"],
            timezone=raw["timezone"],
            tags=tuple(raw["tags"]),
            variables={one["name"]: _filled_by(one) for one in raw["templating"]["list"]},
            panels=tuple(_panel(one) for one in raw["panels"]),
            keys=frozenset(raw),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DashboardError(
            f"{file}:1: not a dashboard as they are written here: {error!r}"
        ) from (error)


def concrete(
    query: Query,
    values: Mapping[str, str] = MappingProxyType({}),
    *,
    keep: Collection[str] = (),
) -> str:
    """Return the text of `query` with each of Grafana's variables replaced by its value.

    `values` go before those of `VALUES`; what `keep` names stays a variable. Raises DashboardError
    for a variable without a value.
    """
    known = {**VALUES[query.kind], **{name: f"${name}" for name in keep}, **values}

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name not in known:
            raise DashboardError(
                f"<query>:1: no value is known for ${name} in {query.text!r}; known: "
                f"{', '.join(known)}"
            )
        return known[name]

    return _VARIABLE.sub(value, query.text)


def _panel(raw: Mapping[str, Any]) -> Panel:
    where = raw["gridPos"]
    defaults = raw.get("fieldConfig", {}).get("defaults", {})
    queries = tuple(_query(one, raw["datasource"]) for one in raw.get("targets", ()))
    return Panel(
        id=raw["id"],
        title=raw["title"],
        type=raw["type"],
        description=raw.get("description", ""),
        place=(where["x"], where["y"], where["w"], where["h"]),
        queries=_with_columns(queries, raw.get("transformations", ())),
        steps=tuple(_steps(raw.get("fieldConfig", {}))),
        takes_grafanas_thresholds=(
            raw["type"] == "stat"
            and not defaults.keys() & {"mappings", "thresholds"}
            and raw.get("options", {}).get("colorMode") != "none"
        ),
        links=tuple(link["url"] for link in (*raw.get("links", ()), *defaults.get("links", ()))),
    )


def _query(raw: Mapping[str, Any], source: Mapping[str, str]) -> Query:
    source = raw.get("datasource", source)
    if source["type"] == PROMETHEUS:
        return Query(
            ref_id=raw["refId"],
            source=source["uid"],
            kind=source["type"],
            text=raw["expr"],
            legend=raw.get("legendFormat", ""),
        )
    named = [one["field"] for one in (*raw["bucketAggs"], *raw["metrics"]) if "field" in one]
    return Query(
        ref_id=raw["refId"],
        source=source["uid"],
        kind=source["type"],
        text=raw["query"],
        legend=raw.get("alias", ""),
        fields=(raw["timeField"], *named, *_lucene_fields(raw["query"])),
    )


def _filled_by(raw: Mapping[str, Any]) -> Query | None:
    """Return the question that fills a variable; None for one that asks nothing."""
    if raw["type"] != "query":
        return None
    source, text = raw["datasource"], raw["query"]
    fields: tuple[str, ...] = ()
    if source["type"] == PROMETHEUS:
        asked = _LABEL_VALUES.fullmatch(text) or _QUERY_RESULT.fullmatch(text)
        if asked is None:
            raise TypeError(f"{text!r} is neither label_values(...) nor query_result(...)")
        text = asked["of"]
    else:
        terms = json.loads(text)
        text = terms.get("query", "")
        fields = (terms["field"], *_lucene_fields(text))
    return Query(
        ref_id=f"${raw['name']}",
        source=source["uid"],
        kind=source["type"],
        text=text,
        fields=fields,
    )


def _with_columns(
    queries: tuple[Query, ...], transformations: Iterable[Mapping[str, Any]]
) -> tuple[Query, ...]:
    """Return `queries`; those for logs with the fields that become the columns of a table too."""
    columns = tuple(
        name
        for one in transformations
        for name in (
            *one["options"].get("include", {}).get("names", ()),
            *one["options"].get("indexByName", ()),
        )
    )
    return tuple(
        replace(one, fields=(*one.fields, *columns)) if one.kind == ELASTICSEARCH else one
        for one in queries
    )


def _lucene_fields(text: str) -> tuple[str, ...]:
    """Return the fields that a search names; none of one that is no Lucene, which a judge says."""
    try:
        return tuple(clause.field for clause in read_clauses(text) if clause.field)
    except LuceneError:
        return ()


def _steps(fields: Mapping[str, Any]) -> Iterator[float]:
    shown = [fields.get("defaults", {}).get("thresholds", {})]
    shown += [
        one["value"]
        for override in fields.get("overrides", ())
        for one in override["properties"]
        if one["id"] == "thresholds"
    ]
    for one in shown:
        for step in one.get("steps", ()):
            if step["value"] is not None:  # the colour below all steps
                yield float(step["value"])
