"""What other code asks of images: which are there, and which of those are stand-ins.

Design rule: nothing is made or fetched here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from stack.compose.places import Places
from stack.compose.settings import in_force
from stack.images.engine import LABEL_IMAGE, LABEL_RECIPE, Engine
from stack.images.names import image_of, references

__all__ = ["missing", "stand_in"]


def missing(
    engine: Engine, names: Iterable[str], environ: Mapping[str, str] | None = None
) -> list[str]:
    """Return which of these names have no image in the engine.

    Raises UnknownImage for a name that is none, and EngineAbsent.
    """
    wanted = {name: image_of(name, environ) for name in names}
    engine.check()
    return [name for name, reference in wanted.items() if engine.image(reference) is None]


def stand_in(
    reference: str, engine: Engine | None = None, environ: Mapping[str, str] | None = None
) -> bool:
    """Return whether the image of this reference is there and was made by `nox -s images`.

    Raises EngineAbsent.
    """
    asked = engine or Engine()
    asked.check()
    image = asked.image(reference)
    if image is None or LABEL_RECIPE not in image.labels:
        return False
    text = Places.here().compose_file.read_text(encoding="utf-8")
    named = references(text, in_force(os.environ) if environ is None else environ)
    # One that was built on a stand-in has its labels, and another reference than that.
    return named.get(image.labels.get(LABEL_IMAGE, "")) == reference
