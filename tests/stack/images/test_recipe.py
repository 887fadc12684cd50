"""A recipe's hash changes exactly when something changes that decides what is in the image."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stack.compose.places import Places
from stack.images.catalogue import RECIPES
from stack.images.kitchen import Kitchen
from stack.images.recipe import Content, Recipe, folder_files
from stack.images.softfactory.recipe import copied
from stack.images.softfactory.recipe import recipe as softfactory
from tests.stack.images.doubles import EngineDouble, kitchen_with, official

ROOT = Places.here().compose_file.parents[1]
RECIPE = Recipe(
    name="postgres",
    files={"Dockerfile": Content(data=b"FROM scratch"), "run": Content(data=b"#!/bin/sh")},
    inputs={"suite": "trixie", "packages": "postgresql-17"},
    parent="base",
)
CHANGES: dict[str, dict[str, Any]] = {
    "a file's content": {"files": {**RECIPE.files, "run": Content(data=b"#!/bin/bash")}},
    "a file more": {"files": {**RECIPE.files, "more": Content(data=b"")}},
    "a file less": {"files": {"Dockerfile": Content(data=b"FROM scratch")}},
    "a file's name": {
        "files": {"Dockerfile": RECIPE.files["Dockerfile"], "ran": RECIPE.files["run"]}
    },
    "whether a file can be executed": {
        "files": {**RECIPE.files, "run": Content(data=b"#!/bin/sh", executable=True)}
    },
    "a version": {"inputs": {"suite": "forky", "packages": "postgresql-17"}},
    "an input more": {"inputs": {**RECIPE.inputs, "more": ""}},
    "its name": {"name": "mysql"},
    "which file is built": {"dockerfile": "other/Dockerfile"},
}
NO_CHANGES: dict[str, dict[str, Any]] = {
    "the order of files": {"files": dict(reversed(RECIPE.files.items()))},
    "the order of inputs": {"inputs": dict(reversed(RECIPE.inputs.items()))},
    "this machine's index": {"arguments": {"PIP_INDEX_URL": "mine"}, "network": True},
    "how it is fetched": {"fetch": lambda _context: "otherwise"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_hash_changes_with(change: dict[str, Any]) -> None:
    assert replace(RECIPE, **change).digest("below") != RECIPE.digest("below")


def test_the_hash_changes_with_the_image_below() -> None:
    assert RECIPE.digest("another") != RECIPE.digest("below")


@pytest.mark.parametrize("change", NO_CHANGES.values(), ids=NO_CHANGES)
def test_the_hash_does_not_change_with(change: dict[str, Any]) -> None:
    assert replace(RECIPE, **change).digest("below") == RECIPE.digest("below")


def test_of_a_folder_the_content_counts_and_not_its_age(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    before = folder_files(tmp_path)
    os.utime(tmp_path / "Dockerfile", (1, 1))
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "recipe.pyc").write_bytes(b"new")
    assert folder_files(tmp_path) == before
    (tmp_path / "Dockerfile").chmod(0o755)
    assert folder_files(tmp_path) != before


NO_TOOLS = [name for name in RECIPES if name not in ("prometheus", "alertmanager")]


@pytest.mark.parametrize("name", NO_TOOLS)
def test_a_recipe_is_known_without_fetching(name: str, tmp_path: Path) -> None:
    said: list[str] = []
    recipe = RECIPES[name](_kitchen(ROOT, tmp_path, said))
    assert recipe.name == name
    assert recipe.dockerfile in recipe.files
    assert said == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NO_TOOLS)
def test_a_dockerfile_is_built_on_what_its_recipe_names(name: str, tmp_path: Path) -> None:
    recipe = RECIPES[name](_kitchen(ROOT, tmp_path, []))
    text = recipe.files[recipe.dockerfile].data.decode()
    first = text[text.index("\nFROM ") + 1 :].split()[1]
    assert first == (f"${{{recipe.parent_argument}}}" if recipe.parent else "scratch")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Copy what the service's image is made of, and some that it is not."""
    root = tmp_path / "clone"
    shutil.copytree(ROOT / "instrumentation", root / "instrumentation")
    shutil.copytree(ROOT / "stack", root / "stack", ignore=shutil.ignore_patterns("secrets"))
    secrets = root / "stack" / "compose" / "secrets"
    secrets.mkdir()
    (secrets / "elastic_password").write_text("secret")
    (root / "stack" / ".env").write_text("secret")
    (root / "README.md").write_text("")
    return root


def test_the_services_recipe_has_what_its_dockerfile_copies_and_no_more(
    clone: Path, tmp_path: Path
) -> None:
    files = softfactory(_kitchen(clone, tmp_path, [])).files
    dockerfile = clone / "stack/compose/service/Dockerfile"
    sources = copied(dockerfile.read_text())
    assert "stack/*.py" in sources
    assert "/packages" not in sources
    for path in files:
        parents = [path, *map(str, Path(path).parents)]
        assert path == "stack/compose/service/Dockerfile" or any(
            Path(one).match(source) for one in parents for source in sources
        )
    assert not [path for path in files if "secrets/" in path or path.endswith(".env")]
    assert {"instrumentation/fleet.py", "stack/waiting.py", "stack/logs/__main__.py"} <= set(files)


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("instrumentation/health.py", True),
        ("stack/waiting.py", True),
        ("stack/compose/service/requirements.txt", True),
        ("stack/compose/service/Dockerfile", True),
        ("stack/alert-rules.yml", False),
        ("stack/launch/local.py", False),
        ("stack/.env", False),
        ("README.md", False),
    ],
)
def test_the_services_hash_changes_with_what_is_in_its_image(
    clone: Path, tmp_path: Path, path: str, changes: bool
) -> None:
    kitchen = _kitchen(clone, tmp_path, [])
    before = softfactory(kitchen).digest("below")
    with (clone / path).open("a") as file:
        file.write("# changed\n")
    assert (softfactory(kitchen).digest("below") != before) is changes


def test_the_wheels_are_those_of_the_services_requirements(tmp_path: Path) -> None:
    recipe = RECIPES["python"](_kitchen(ROOT, tmp_path, []))
    wanted = (ROOT / "stack/compose/service/requirements.txt").read_bytes()
    assert recipe.files["requirements.txt"].data == wanted


def test_a_python_of_ours_needs_no_network_and_another_asks_this_machines_index(
    tmp_path: Path,
) -> None:
    said: list[str] = []
    assert not softfactory(_kitchen(ROOT, tmp_path, said)).network
    engine = EngineDouble(images={"python:17": official("python:17")})
    assert softfactory(replace(_kitchen(ROOT, tmp_path, said), engine=engine)).network


def test_another_major_version_of_postgresql_is_refused(tmp_path: Path) -> None:
    kitchen = replace(
        _kitchen(ROOT, tmp_path, []), reference=lambda _name: "mirror:5000/postgres:16.4"
    )
    with pytest.raises(Exception, match="is PostgreSQL 16, and Debian trixie has 17; pull it"):
        RECIPES["postgres"](kitchen)


def _kitchen(repository: Path, tmp_path: Path, said: list[str]) -> Kitchen:
    cache = tmp_path / "cache"
    kitchen = kitchen_with(EngineDouble(), cache, said)
    return replace(kitchen, repository=repository, reference=lambda name: f"{name}:17")
