"""The toolkit's own image, from the Dockerfile that compose builds it from too.

Design rule: what is sent to the builder is what that Dockerfile copies and nothing else, so that
the hash changes exactly with it, and no secret is ever sent.
"""

from __future__ import annotations

from stack.images.engine import Engine
from stack.images.kitchen import Kitchen
from stack.images.pip import index_arguments
from stack.images.recipe import Recipe, read_files

__all__ = ["copied", "recipe"]

_DOCKERFILE = "stack/compose/service/Dockerfile"


def recipe(kitchen: Kitchen) -> Recipe:
    """Return how the service's image is made."""
    root = kitchen.repository
    dockerfile = root / _DOCKERFILE
    paths = {dockerfile}
    for source in copied(dockerfile.read_text(encoding="utf-8")):
        for found in root.glob(source):
            paths |= {path for path in (found, *found.rglob("*")) if path.is_file()}
    # A Python of ours has the packages in it; with another one, its pip asks an index.
    closed = _is_ours(kitchen.engine, kitchen.reference("python"))
    return Recipe(
        name="softfactory",
        files=read_files(root, paths),
        inputs={},
        parent="python",
        parent_argument="PYTHON_IMAGE",
        dockerfile=_DOCKERFILE,
        arguments={} if closed else index_arguments(),
        network=not closed,
        fetch=lambda _context: "the files of this clone",
    )


def copied(dockerfile: str) -> list[str]:
    """Return what a Dockerfile copies from its context, as patterns without a trailing slash."""
    sources = []
    for line in dockerfile.splitlines():
        words = line.split()
        if words and words[0] == "COPY" and not any(word.startswith("--from") for word in words):
            sources += [word.rstrip("/") for word in words[1:-1] if not word.startswith("--")]
    return sources


def _is_ours(engine: Engine, reference: str) -> bool:
    image = engine.image(reference)
    return image is None or image.recipe("python") is not None
