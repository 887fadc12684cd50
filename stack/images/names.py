"""Which images the stack is made of: their names, and the references that its compose file pins.

Design rule: pure; a reference is written in the compose file and nowhere else, and the variable
that replaces it there replaces it here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from stack.compose.places import Places
from stack.compose.settings import in_force, optional_variables
from stack.images.failure import UnknownImage

__all__ = ["image_of", "references", "refuse_unknown", "variable_of"]

_SUFFIX = "_IMAGE"


def references(compose_text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return each image's reference by its name: `${POSTGRES_IMAGE:-...}` is `postgres`.

    As for compose, an empty variable counts as absent.
    """
    return {
        variable.removesuffix(_SUFFIX).lower(): environ.get(variable) or pinned
        for variable, pinned in optional_variables(compose_text).items()
        if variable.endswith(_SUFFIX)
    }


def variable_of(name: str) -> str:
    """Return the variable that replaces the reference of an image."""
    return f"{name.upper()}{_SUFFIX}"


def image_of(name: str, environ: Mapping[str, str] | None = None) -> str:
    """Return the reference of one image, as compose would use it: `image_of("prometheus")`.

    `environ` None means this process's, with what `stack/.env` sets besides. Raises UnknownImage,
    and StackFailure where that file can't be read.
    """
    text = Places.here().compose_file.read_text(encoding="utf-8")
    known = references(text, in_force(os.environ) if environ is None else environ)
    refuse_unknown([name], known)
    return known[name]


def refuse_unknown(names: Iterable[str], known: Iterable[str]) -> None:
    """Raise UnknownImage if one of `names` is not `known`."""
    there = sorted(known)
    for name in names:
        if name not in there:
            raise UnknownImage(f"there is no image {name!r}; there are: {', '.join(there)}")
