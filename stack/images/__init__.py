"""Stand-ins for the stack's container images, for networks without a registry: `nox -s images`.

Design rule: an image is made from this machine's package sources alone, and says by its labels what
it was made from; what has no such label is somebody's own and is never touched.

Other code asks `image_of`, `missing` and `stand_in`; making is the command's work.
"""

from stack.images.engine import Engine
from stack.images.failure import EngineAbsent, ImagesFailure, UnknownImage
from stack.images.names import image_of
from stack.images.presence import missing, stand_in

__all__ = [
    "Engine",
    "EngineAbsent",
    "ImagesFailure",
    "UnknownImage",
    "image_of",
    "missing",
    "stand_in",
]
