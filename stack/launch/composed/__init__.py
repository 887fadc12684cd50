"""The watchers of a run as production's compose file starts them: `--stack=compose`.

Design rule: production's file is started as it is, under the run's own name; what a drill must have
otherwise is a second file that compose merges into it, and is told.
"""

from stack.launch.composed.premises import Composed

__all__ = ["Composed"]
