"""A node of Elasticsearch, put together from its published libraries as the embedded one is.

Design rule: the home, the main class, the settings and Java's flags are the embedded node's; only
where they lie and who may reach the node are the official image's.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from stack.images.archive import SUITE
from stack.images.kitchen import Kitchen
from stack.images.recipe import Content, Recipe, folder_files, read_files
from stack.tools.elasticsearch import ELASTICSEARCH_VERSION, find_elasticsearch
from stack.tools.elasticsearch_archive import learned
from stack.tools.elasticsearch_node import ElasticsearchHome, node_settings, prepare_node

__all__ = ["image_flags", "image_settings", "recipe"]

_HOME = Path("/usr/share/elasticsearch")
_PORT = 9200
_JAVA = "openjdk-21-jre-headless"
_PACKAGES = (_JAVA, "curl")
_NODE = Path("stack/elasticsearch/node")
_NATIVE = (
    f"-Des.nativelibs.path={_HOME / 'lib' / 'native'}",
    # A library of the official distribution alone, for searches by vectors.
    "-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false",
)
_NOT_IN_AN_IMAGE = frozenset({"node.name", "path.logs", "logger.level", "transport.port"})


def recipe(kitchen: Kitchen) -> Recipe:
    """Return how Elasticsearch's image is made."""
    node = kitchen.repository / _NODE
    files = folder_files(Path(__file__).parent)
    files |= read_files(node, node.iterdir())
    files |= {
        f"learning/{number:02}": Content(data=f"{method} {path}\n{body}".encode())
        for number, (method, path, body) in enumerate(learned())
    }

    def fetch(context: Path) -> str:
        home = find_elasticsearch(kitchen.settings, kitchen.report)
        said = kitchen.packages(_PACKAGES, context, on="base")
        for part in ("lib", "modules"):
            shutil.copytree(home.home / part, context / "home" / part)
        prepare_node(context / "home", image_settings())
        (context / "home" / "tmp").rmdir()
        flags = context / "home" / "config" / "java-flags"
        flags.write_text("".join(f"{flag}\n" for flag in image_flags(home)), encoding="utf-8")
        return f"Maven artifact org.elasticsearch:elasticsearch:{home.version}, {said}"

    return Recipe(
        name="elasticsearch",
        files=files,
        inputs={
            "suite": SUITE,
            "packages": " ".join(_PACKAGES),
            "elasticsearch": ELASTICSEARCH_VERSION,
            "settings": repr(sorted(image_settings().items())),
        },
        parent="base",
        fetch=fetch,
    )


def image_settings() -> dict[str, str | int | bool]:
    """Return the settings of a node that nothing is set for in its environment."""
    embedded = node_settings(directory=_HOME, home=_HOME, port=_PORT, name="docker-cluster")
    settings = {key: value for key, value in embedded.items() if key not in _NOT_IN_AN_IMAGE}
    return settings | {"network.host": "0.0.0.0", "path.logs": str(_HOME / "logs")}  # noqa: S104


def image_flags(home: ElasticsearchHome) -> list[str]:
    """Return Java's flags of the embedded node, less what is of this machine: heap and archive."""
    command = replace(home, java=(), archive=None).command(directory=_HOME, heap_mb=1)
    flags = [part for part in command if part.startswith(("-XX:", "-Xshare", "-Dfile.encoding"))]
    return [*flags, *_NATIVE]
