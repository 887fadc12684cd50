"""The node of the image is the embedded node, in the places and for the callers of an image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

from stack.images.elasticsearch.recipe import image_flags, image_settings, recipe
from stack.images.engine import Engine
from stack.tools.elasticsearch_archive import learned
from stack.tools.elasticsearch_node import ElasticsearchHome, node_settings
from tests.stack.images.doubles import kitchen_with

ROOT = Path(__file__).resolve().parents[3]

HOME = Path("/usr/share/elasticsearch")


def test_its_settings_are_the_embedded_nodes_except_who_reaches_it_and_its_name() -> None:
    embedded = node_settings(directory=HOME, home=HOME, port=9200, name="docker-cluster")
    settings = image_settings()
    differing = {key for key in settings if settings[key] != embedded[key]}
    assert differing == {"network.host", "path.logs"}
    assert embedded.keys() - settings.keys() == {"node.name", "transport.port", "logger.level"}
    assert settings["path.data"] == "/usr/share/elasticsearch/data"


def test_its_flags_are_the_embedded_nodes_without_heap_archive_and_paths(tmp_path: Path) -> None:
    home = ElasticsearchHome(
        java=("/usr/bin/java",), home=tmp_path, version="8", archive=tmp_path / "classes.jsa"
    )
    embedded = home.command(directory=tmp_path, heap_mb=512)
    flags = image_flags(home)
    assert "-XX:+UseSerialGC" in flags
    assert {flag for flag in flags if "native" not in flag} <= set(embedded)
    assert not [flag for flag in flags if flag.startswith("-Xm") or str(tmp_path) in flag]


def test_java_learns_the_classes_of_what_the_embedded_node_is_asked(tmp_path: Path) -> None:
    unused = kitchen_with(cast(Engine, None), tmp_path, [])
    files = recipe(replace(unused, repository=ROOT)).files
    sent = [files[path].data.decode() for path in sorted(files) if path.startswith("learning/")]
    asked = []
    for text in sent:
        said, _, body = text.partition("\n")
        asked.append((*said.split(" "), body))
    assert tuple(asked) == learned()
