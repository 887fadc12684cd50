"""PostgreSQL from Debian's package, with the users, folders and entry point of the official image.

Design rule: the major version is that of the compose file's image, or the image is refused: a
database's files are of one major version.
"""

from __future__ import annotations

import re
from pathlib import Path

from stack.images.archive import SUITE
from stack.images.failure import ImagesFailure
from stack.images.kitchen import Kitchen
from stack.images.recipe import Recipe, folder_files

__all__ = ["recipe"]

_VERSION = "17"
"""Debian 13's."""

_TAG = re.compile(r":v?(\d+)[^:/]*$")


def recipe(kitchen: Kitchen) -> Recipe:
    """Return how PostgreSQL's image is made. Raises ImagesFailure for another major version."""
    reference = kitchen.reference("postgres")
    wanted = _TAG.search(reference)
    if wanted is not None and wanted[1] != _VERSION:
        raise ImagesFailure(
            f"{reference} is PostgreSQL {wanted[1]}, and Debian {SUITE} has {_VERSION}; "
            "pull it where a registry is reached: nox -s images -- --pull --only postgres"
        )
    package = f"postgresql-{_VERSION}"
    return Recipe(
        name="postgres",
        files=folder_files(Path(__file__).parent),
        inputs={"suite": SUITE, "packages": package},
        parent="base",
        arguments={"VERSION": _VERSION},
        fetch=lambda context: kitchen.packages([package], context, on="base"),
    )
