"""What is asked for is known whether it is named by its path or, in the wheel, by its module."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from scenarios.options import CHECKS, asked_for


def config(*arguments: str, pyargs: bool) -> pytest.Config:
    return cast(
        pytest.Config, SimpleNamespace(args=arguments, option=SimpleNamespace(pyargs=pyargs))
    )


@pytest.mark.parametrize(
    ("argument", "found"),
    [
        (CHECKS.name, CHECKS),
        (f"{CHECKS.name}.deployment", CHECKS / "deployment"),
        (f"{CHECKS / 'deployment' / 'test_targets_are_up.py'}::test_targets_are_up",
         CHECKS / "deployment" / "test_targets_are_up.py"),
    ],
)  # fmt: skip
def test_the_checklist_is_known_by_its_module_and_by_its_path(argument: str, found: Path) -> None:
    assert asked_for(config(argument, pyargs=True)) == [found]


def test_a_folder_of_the_same_name_is_a_path_where_no_module_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert asked_for(config(CHECKS.name, pyargs=False)) == [tmp_path / CHECKS.name]
