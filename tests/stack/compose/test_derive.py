"""Prometheus's configuration for containers is production's with one address changed."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import pytest

from stack.compose.derive import for_containers, scraped
from stack.production import production_files
from stack.yamlfile import ConfigurationError

FILE = production_files().prometheus


def test_nothing_differs_but_where_alertmanager_is() -> None:
    before = FILE.read_text()
    after = for_containers(before, source=FILE.name)
    changed = [
        line
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
        if line[:2] not in ("--", "++", "@@")
    ]
    old = [line[1:] for line in changed if line.startswith("-")]
    new = [line[1:] for line in changed if line.startswith("+")]
    assert len(old) == 2
    assert [line.replace("127.0.0.1:9093", "alertmanager:9093") for line in old] == new


@pytest.mark.parametrize("address", ["127.0.0.1:9100", "localhost:9100", "[::1]:9100"])
def test_another_loopback_address_is_refused_with_its_line(address: str) -> None:
    text = (
        FILE.read_text()
        + f"""
  - job_name: node
    static_configs:
      - targets: ["{address}"]
"""
    )
    line = len(text.splitlines())
    with pytest.raises(ConfigurationError, match=rf"^p.yml:{line}: .*9100"):
        for_containers(text, source="p.yml")


def test_a_configuration_that_names_no_alertmanager_is_refused() -> None:
    text = FILE.read_text().replace("127.0.0.1:9093", "alerts.example:9093")
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1:9093"):
        for_containers(text, source="p.yml")


def test_it_is_made_of_the_file_at_each_start_and_kept_nowhere() -> None:
    copies = [path for path in Path(FILE.parent / "compose").rglob("*") if path.name == FILE.name]
    assert copies == []


TARGETS = """\
# the demo
- targets: ["softfactory:8000"]
- targets: ["shipper:9101"]
  labels:
    job: log-shipper
"""


def test_what_is_left_out_is_no_target() -> None:
    (kept,) = json.loads(scraped(TARGETS, ["shipper", "kibana"], source="softfactory.yml"))
    assert kept == {"targets": ["softfactory:8000"]}


def test_with_nothing_left_out_every_target_stays_with_its_labels() -> None:
    kept = json.loads(scraped(TARGETS, [""], source="softfactory.yml"))
    assert [one["targets"] for one in kept] == [["softfactory:8000"], ["shipper:9101"]]
    assert kept[1]["labels"] == {"job": "log-shipper"}


def test_what_is_no_list_of_targets_is_refused_with_its_file() -> None:
    with pytest.raises(ConfigurationError, match=r"softfactory\.yml:1"):
        scraped("  a: b\n", [], source="softfactory.yml")
