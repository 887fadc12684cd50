"""Grafana is told where to ask and what to show, without a secret, and nothing can be lost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from stack.durations import parse_duration
from stack.logs.fields import load_fields
from stack.logs.indices import PREFIX, index_of
from stack.production import production_files
from stack.yamlfile import read_yaml


@pytest.fixture(scope="module")
def sources(provisioning: Path) -> dict[str, Any]:
    path = provisioning / "datasources" / "softfactory.yml"
    return {one["uid"]: one for one in YAML(typ="safe").load(path)["datasources"]}


@pytest.fixture(scope="module")
def provider(provisioning: Path) -> Any:
    path = provisioning / "dashboards" / "softfactory.yml"
    (only,) = YAML(typ="safe").load(path)["providers"]
    return only


def test_one_data_source_is_the_default(sources: dict[str, Any]) -> None:
    assert [uid for uid, one in sources.items() if one.get("isDefault")] == ["prometheus"]


def test_graphs_know_the_scrape_interval(sources: dict[str, Any]) -> None:
    config = read_yaml(production_files().prometheus.read_text(encoding="utf-8"), "prometheus")
    assert parse_duration(sources["prometheus"]["jsonData"]["timeInterval"]) == parse_duration(
        str(config["global"]["scrape_interval"])
    )


def test_no_secret_stands_in_the_file(sources: dict[str, Any]) -> None:
    secrets = [
        value for one in sources.values() for value in one.get("secureJsonData", {}).values()
    ]
    assert secrets == ["$__file{/run/secrets/log_reader_password}"]


def test_logs_are_read_by_a_user_who_can_do_nothing_else(sources: dict[str, Any]) -> None:
    assert sources["elasticsearch"]["basicAuthUser"] == "log_reader"


def test_logs_are_looked_for_in_the_index_of_their_day(sources: dict[str, Any]) -> None:
    data = sources["elasticsearch"]["jsonData"]
    prefix, _, pattern = data["index"].partition("]")
    assert prefix == f"[{PREFIX}"
    day = pattern.replace("YYYY", "2030").replace("MM", "05").replace("DD", "17")
    assert PREFIX + day == index_of(datetime(2030, 5, 17, 12, tzinfo=UTC))
    assert data["interval"] == "Daily"


def test_the_fields_that_grafana_itself_reads_are_those_of_the_records(
    sources: dict[str, Any],
) -> None:
    data = sources["elasticsearch"]["jsonData"]
    for key in ("timeField", "logMessageField", "logLevelField"):
        assert data[key] in load_fields()


def test_nothing_is_edited_in_the_browser(sources: dict[str, Any], provider: Any) -> None:
    assert not any(one["editable"] for one in sources.values())
    assert provider["allowUiUpdates"] is False
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    assert provider["folder"] == "SoftFactory"
