"""Images have the names and references of the compose file, and each is made or said why not."""

from __future__ import annotations

import re

import pytest

from stack.compose.places import Places
from stack.images import UnknownImage, image_of
from stack.images.catalogue import NO_PACKAGE, OWN, RECIPES
from stack.images.names import references

TEXT = Places.here().compose_file.read_text(encoding="utf-8")


def test_each_image_of_the_compose_file_has_a_name() -> None:
    written = set(re.findall(r"^ +image: \$\{\w+:-([^}]+)\}$", TEXT, re.M))
    assert len(written) >= 8
    assert written <= set(references(TEXT, {}).values())


def test_an_image_is_made_or_it_is_said_why_not() -> None:
    names = {*references(TEXT, {}), "base"}
    assert names == RECIPES.keys() | NO_PACKAGE.keys()
    assert not RECIPES.keys() & NO_PACKAGE.keys()
    assert names >= OWN


def test_no_reference_is_written_outside_of_the_compose_file() -> None:
    package = Places.here().compose_file.parent / "images"
    tags = {reference for name, reference in references(TEXT, {}).items() if name != "softfactory"}
    for path in package.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            assert not [tag for tag in tags if tag in path.read_text()], path


@pytest.mark.parametrize("name", references(TEXT, {}))
def test_the_variable_that_replaces_it_for_compose_replaces_it_here(name: str) -> None:
    variable = f"{name.upper()}_IMAGE"
    pinned = image_of(name, {})
    assert f"${{{variable}:-{pinned}}}" in TEXT
    assert image_of(name, {variable: "mirror:5000/other:1"}) == "mirror:5000/other:1"
    assert image_of(name, {variable: ""}) == pinned


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownImage, match=r"no image 'mysql'; there are: .*postgres, prometheus"):
        image_of("mysql", {})
