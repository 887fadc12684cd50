"""A dashboard is written in one form: short things on a line, keys in the order of reading."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree

import pytest

from stack.grafana.__main__ import main
from stack.grafana.dashboards import DASHBOARDS
from stack.grafana.written import WIDTH, written


def test_what_fits_stands_on_one_line() -> None:
    assert written({"w": 8, "x": 0}) == '{"x": 0, "w": 8}\n'


def test_what_does_not_fit_has_a_line_for_each_part() -> None:
    long = "x" * (WIDTH - 20)
    assert written({"targets": [], "title": long, "id": 1, "zebra": 1}) == (
        f'{{\n  "id": 1,\n  "title": "{long}",\n  "targets": [],\n  "zebra": 1\n}}\n'
    )


def test_the_order_in_which_keys_are_given_makes_no_difference() -> None:
    one = {"title": "a", "panels": [{"type": "row", "id": 1}], "b": 1, "a": {"y": 1, "x": 2}}
    assert written(one) == written(dict(reversed(one.items())))


@pytest.mark.parametrize("path", sorted(DASHBOARDS.glob("*.json")), ids=lambda path: path.stem)
def test_no_line_is_long_but_for_what_cannot_be_broken(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        assert len(line) <= WIDTH or line.lstrip().startswith(
            ('"expr": "', '"description": "', '"url": "', '"legendFormat": "')
        ), line


def test_the_command_writes_what_differs_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copytree(DASHBOARDS, tmp_path / "dashboards")
    (folder / "alerts.json").unlink()
    overview = folder / "overview.json"
    overview.write_text(json.dumps(json.loads(overview.read_text())))
    assert main(folder) == 0
    assert capsys.readouterr().out.split() == [
        *("wrote", str(folder / "alerts.json"), "wrote", str(overview))
    ]
    for path in DASHBOARDS.glob("*.json"):
        assert (folder / path.name).read_text() == path.read_text()
    assert main(folder) == 0
    assert capsys.readouterr().out == ""
