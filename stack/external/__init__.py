"""An engine that somebody else runs: what a run gives it, and what is asked of it before.

Design rule: nothing is written but into a folder that was made for drills, and nothing is drilled
before the engine has shown that it reads that folder (docs/external.md).
"""

from stack.external.engine import Engine, ExternalRefused, identify
from stack.external.folder import Folder
from stack.external.model import External

__all__ = ["Engine", "External", "ExternalRefused", "Folder", "identify"]
