"""The objects for Kibana name fields that exist and suit, and objects that are there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stack.logs.fields import load_fields
from stack.logs.indices import PATTERN
from stack.logs.kibana.objects import SavedObject, load_objects, to_ndjson
from stack.production import production_files
from stack.rules import load_rules
from stack.yamlfile import ConfigurationError
from tests.stack.logs_production.panels import USES, query_of, uses_of, uses_of_query

OBJECTS = load_objects()
FIELDS = load_fields()
BY_ID = {one.id: one for one in OBJECTS}
PANEL = {"type": "visualization", "id": "gone", "name": "panel_1"}


def dashboard() -> SavedObject:
    (one,) = (one for one in OBJECTS if one.type == "dashboard")
    return one


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: one.id)
def test_every_field_that_an_object_names_exists_with_a_type_that_fits_its_use(
    one: SavedObject,
) -> None:
    for name, use in uses_of(one):
        assert name in FIELDS, f"{one.id}: {name}"
        assert FIELDS[name].indexed, f"{one.id}: {name} can't be searched"
        assert FIELDS[name].type in USES[use], f"{one.id}: {use} of {name}, {FIELDS[name].type}"


def test_fields_are_found_where_an_object_names_them() -> None:
    assert set(uses_of_query('a.b:(x OR y) AND _exists_:c AND NOT d:"e:f" AND g:>1')) >= {
        ("a.b", "search"),
        ("c", "search"),
        ("d", "search"),
        ("g", "range"),
    }
    assert ("latency_ms", "percentiles") in set(uses_of(BY_ID["softfactory-latency"]))
    assert ("http.route", "terms") in set(uses_of(BY_ID["softfactory-top-endpoints"]))
    assert ("http.response.status_code", "range") in set(uses_of(BY_ID["softfactory-requests"]))


def test_the_data_view_is_of_the_shippers_indices() -> None:
    (view,) = (one for one in OBJECTS if one.type == "index-pattern")
    assert view.title == PATTERN


def test_every_query_reads_the_one_data_view() -> None:
    for one in OBJECTS:
        if one.type in ("search", "visualization"):
            source = one.attributes["kibanaSavedObjectMeta"]["searchSourceJSON"]
            (view,) = one.references
            assert (view.name, view.type) == (source["indexRefName"], "index-pattern"), one.id


def test_the_dashboard_shows_every_panel_and_no_two_in_one_place() -> None:
    attributes = dashboard().attributes
    named = {used.name: used for used in dashboard().references}
    covered: set[tuple[int, int]] = set()
    for panel in attributes["panelsJSON"]:
        used = named.pop(f"{panel['panelIndex']}:{panel['panelRefName']}")
        assert used.type == panel["type"]
        grid = panel["gridData"]
        assert grid["i"] == panel["panelIndex"]
        assert grid["x"] + grid["w"] <= 48  # Kibana's columns
        cells = {
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not covered & cells, f"{used.id} lies on another"
        covered |= cells
    assert named == {}
    shown = {used.id for used in dashboard().references if used.type == "visualization"}
    assert shown == {one.id for one in OBJECTS if one.type == "visualization"}


def test_slow_means_slower_than_the_objective_of_the_alerts() -> None:
    rules = load_rules(production_files().rules.read_text(), "alert-rules.yml")
    (objective,) = (
        rule for rule in rules.recordings if rule.name == "threshold:latency_objective:milliseconds"
    )
    milliseconds = objective.expr.removeprefix("vector(").removesuffix(")")
    assert query_of(BY_ID["softfactory-slow-requests"]) == f"latency_ms:>{milliseconds}"


def test_what_is_imported_holds_strings_where_kibana_wants_strings() -> None:
    lines = [json.loads(line) for line in to_ndjson(OBJECTS).splitlines()]
    assert [(line["type"], line["id"]) for line in lines] == [(one.type, one.id) for one in OBJECTS]
    by_id = {line["id"]: line for line in lines}
    panels = by_id[dashboard().id]["attributes"]["panelsJSON"]
    assert isinstance(panels, str)
    assert json.loads(panels) == dashboard().attributes["panelsJSON"]
    searched = by_id["softfactory-errors"]["attributes"]["kibanaSavedObjectMeta"]
    assert isinstance(searched["searchSourceJSON"], str)


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: one.id)
def test_a_file_is_laid_out_as_people_read_it(one: SavedObject) -> None:
    path = Path(__file__).parents[3] / "stack" / "kibana" / f"{one.id}.json"
    text = path.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", r"view.json:1: not JSON"),
        ('{"type": "search"}', r"view.json:1: needs `type`.*KeyError"),
        (
            json.dumps(
                {
                    "type": "dashboard",
                    "typeMigrationVersion": "8.9.0",
                    "attributes": {"title": "d"},
                    "references": [PANEL],
                }
            ),
            r"view.json:1: visualization gone is not there; known: dashboard view",
        ),
    ],
    ids=["no JSON", "no object", "a missing panel"],
)
def test_a_broken_object_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "view.json").write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        load_objects(tmp_path)


def test_a_folder_without_objects_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no saved object"):
        load_objects(tmp_path)
