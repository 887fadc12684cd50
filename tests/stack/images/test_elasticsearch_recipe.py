"""The node of the image is the embedded node, in the places and for the callers of an image."""

from __future__ import annotations

from pathlib import Path

from stack.images.elasticsearch.recipe import image_flags, image_settings
from stack.tools.elasticsearch_node import ElasticsearchHome, node_settings

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
