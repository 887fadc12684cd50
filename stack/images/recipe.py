"""What an image is made from, and the hash that says whether it was made from just that.

Design rule: the hash covers everything that decides what is in the image and can be known without
fetching: the files, the versions, and the recipe of the image below. What is fetched is named in
the inputs; a recipe that has not changed is never fetched for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Content", "Files", "Recipe", "folder_files", "read_files"]

_FORMAT = "1"
"""Part of each hash: a change of how contexts are laid out makes all images anew."""

_NOT_PART = frozenset({"__pycache__"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A file as the builder is sent it; of its mode only whether it can be executed."""

    data: bytes
    executable: bool = False


Files = Mapping[str, Content]
"""By the path in the builder's context."""


def _nothing(_context: Path) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one image is made.

    Attributes:
        name: the image's, as `stack.images.names` has it.
        files: what the builder is sent of this repository.
        inputs: what else decides the content, such as packages and versions.
        parent: the name of the image below, None where there is none.
        parent_argument: the build argument that takes the reference of the image below.
        dockerfile: its path among the files.
        fetch: adds to a context what is fetched, and returns a line that says what that is. Raises
            FetchFailed, ToolsUnavailable, OSError or ImagesFailure.
        arguments: more build arguments; they may hold what concerns this machine alone, and are no
            part of the hash.
        network: whether a step of the build needs the network.
    """

    name: str
    files: Files
    inputs: Mapping[str, str]
    parent: str | None = None
    parent_argument: str = "PARENT"
    dockerfile: str = "Dockerfile"
    fetch: Callable[[Path], str] = _nothing
    arguments: Mapping[str, str] = field(default_factory=dict)
    network: bool = False

    def digest(self, parent_digest: str) -> str:
        """Return the hash of this recipe on an image with the hash `parent_digest`."""
        said = {
            "format": _FORMAT,
            "name": self.name,
            "parent": parent_digest,
            "dockerfile": self.dockerfile,
            "inputs": dict(self.inputs),
            "files": {
                path: [hashlib.sha256(content.data).hexdigest(), content.executable]
                for path, content in self.files.items()
            },
        }
        text = json.dumps(said, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def folder_files(folder: Path) -> dict[str, Content]:
    """Return all files of a recipe's folder, by their paths in it."""
    return read_files(folder, [path for path in folder.rglob("*") if path.is_file()])


def read_files(root: Path, paths: Iterable[Path]) -> dict[str, Content]:
    """Return these files, by their paths below `root`, in the order of those."""
    return {
        str(path.relative_to(root)): Content(
            data=path.read_bytes(), executable=bool(path.stat().st_mode & 0o100)
        )
        for path in sorted(paths)
        if not _NOT_PART.intersection(path.parts)
    }
